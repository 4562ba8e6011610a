"""Sphinx configuration."""

from importlib.metadata import version as installed_version

project = "tracedbg"
author = "the tracedbg authors"
copyright = author  # noqa: A001  the name that Sphinx reads
release = installed_version("tracedbg")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "tracedbg"
myst_heading_anchors = 3
myst_enable_extensions = ["deflist", "fieldlist"]
autodoc_typehints = "description"
autodoc_default_options = {"members": True}
nitpick_ignore_regex = [("py:.*", r"(tracedbg|collections|types|typing)\..*"), ("py:class", ".*")]
