"""Sphinx configuration."""

from importlib.metadata import version as installed_version

from docutils import nodes

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


def without_names_of_files(_app, document):
    """The changes that a page shows begin with two files by their full paths, on the machine that made the page."""
    for block in document.findall(nodes.literal_block):
        if block.get("language") == "udiff" and block.rawsource.startswith("--- "):
            block.rawsource = block.rawsource.split("\n", 2)[2]
            block.children = [nodes.Text(block.rawsource)]


def setup(app):
    app.connect("doctree-read", without_names_of_files)
