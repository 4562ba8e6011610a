// What Python sees of graphs of autograd.
#pragma once

#include <Python.h>

namespace tracedbg {

extern PyMethodDef graph_methods[];

}  // namespace tracedbg
