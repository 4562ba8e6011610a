// Reads the graph that a backward is about to run: its fingerprint, and its nodes with their lines. It
// changes nothing, and keeps nothing of the program's beyond the call. The caller has the GIL.
//
// Of torch: torch::autograd::Node (C++ API), THPVariable_Unpack and functionToPyObject (2.0-2.13).
#include <Python.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/csrc/autograd/python_cpp_function.h>
#include <torch/csrc/autograd/python_variable.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <typeinfo>
#include <unordered_map>
#include <vector>

#include "graph.h"
#include "sequences.h"
#include "tables.h"
#include "threads.h"

namespace tracedbg {
namespace {

using torch::autograd::AccumulateGrad;
using torch::autograd::Edge;
using torch::autograd::Node;
using NodePtr = decltype(Edge::function);

struct Reached {
  NodePtr node;
  const std::type_info* type;
  uint64_t sequence, depth;
};

struct Graph {
  std::vector<Reached> nodes;   // in the order of the forward
  std::vector<NodePtr> leaves;  // in the order in which nodes take them
  std::unordered_map<const Node*, uint32_t> numbers;  // of both
};

bool is_leaf(const Node& node) { return typeid(node) == typeid(AccumulateGrad); }

// Tensors alone: anything else, as a GradientEdge, is for the caller to read. False with an error set.
bool roots_of(PyObject* outputs, std::vector<NodePtr>& roots) {
  PyObject* fast = PySequence_Fast(outputs, "outputs are no sequence");
  if (fast == nullptr) return false;
  for (Py_ssize_t at = 0; at < PySequence_Fast_GET_SIZE(fast); ++at) {
    PyObject* one = PySequence_Fast_GET_ITEM(fast, at);
    if (!THPVariable_Check(one)) {
      Py_DECREF(fast);
      PyErr_SetString(PyExc_TypeError, "an output is no tensor");
      return false;
    }
    NodePtr node = THPVariable_Unpack(one).grad_fn();
    if (node) roots.push_back(std::move(node));
  }
  Py_DECREF(fast);
  return true;
}

Graph read(const std::vector<NodePtr>& roots) {
  Graph graph;
  std::vector<NodePtr> ends(roots.begin(), roots.end());
  bool is_one_thread = true;
  while (!ends.empty()) {
    NodePtr node = std::move(ends.back());
    ends.pop_back();
    if (is_leaf(*node) || !graph.numbers.emplace(node.get(), 0).second) continue;
    for (const Edge& edge : node->next_edges())
      if (edge.function && !graph.numbers.count(edge.function.get())) ends.push_back(edge.function);
    const Node& read = *node;
    is_one_thread = is_one_thread && (graph.nodes.empty() || read.thread_id() == graph.nodes[0].node->thread_id());
    graph.nodes.push_back({std::move(node), &typeid(read), read.sequence_nr(), read.topological_nr()});
  }
  // Numbers of several threads say nothing of each other: there, what comes from what decides.
  std::sort(graph.nodes.begin(), graph.nodes.end(), [is_one_thread](const Reached& one, const Reached& other) {
    if (is_one_thread && one.sequence != other.sequence) return one.sequence < other.sequence;
    return one.depth != other.depth ? one.depth < other.depth : one.sequence < other.sequence;
  });
  for (size_t at = 0; at < graph.nodes.size(); ++at) graph.numbers[graph.nodes[at].node.get()] = static_cast<uint32_t>(at);
  for (const Reached& one : graph.nodes)
    for (const Edge& edge : one.node->next_edges())
      if (edge.function && is_leaf(*edge.function) &&
          graph.numbers.emplace(edge.function.get(), static_cast<uint32_t>(graph.leaves.size())).second)
        graph.leaves.push_back(edge.function);
  return graph;
}

uint32_t stack_of(const Node& node) {
  Ring* ring = threads().ring_by(node.thread_id());
  return ring != nullptr ? ring->find(static_cast<int64_t>(node.sequence_nr())) : kNone;
}

uint64_t hash_of_text(const std::string& text) {
  uint64_t hash = 0xCBF29CE484222325ull;
  for (unsigned char one : text) hash = (hash ^ one) * 0x100000001B3ull;
  return hash;
}

// The stacks of a graph's nodes. The outermost frames that all of them have in common are those of who takes
// the step: no part of the graph.
struct Stacks {
  std::vector<uint32_t> of;
  size_t shared = 0;
};

Stacks stacks_of(const Graph& graph) {
  Stacks found;
  for (const Reached& one : graph.nodes) found.of.push_back(stack_of(*one.node));
  std::lock_guard<std::mutex> guard(tables().lock);
  const std::vector<StackFrame>* first = nullptr;
  uint32_t last = kNone;
  for (uint32_t stack : found.of) {
    if (stack == kNone || stack == last) continue;
    last = stack;
    const auto& frames = tables().stacks[stack];
    if (first == nullptr) {
      first = &frames;
      found.shared = frames.size();
      continue;
    }
    size_t most = std::min(found.shared, frames.size()), alike = 0;
    while (alike < most) {
      const StackFrame &one = frames[frames.size() - 1 - alike], &other = (*first)[first->size() - 1 - alike];
      if (one.code != other.code || one.line != other.line) break;
      ++alike;
    }
    found.shared = alike;
  }
  return found;
}

size_t kept_of(size_t frames, size_t shared) { return frames > shared ? frames - shared : std::min<size_t>(frames, 1); }

// The same in every process.
uint64_t hash_of_stack(uint32_t stack, size_t shared) {
  static std::vector<std::vector<uint64_t>> known;  // by the number of innermost frames; the GIL guards it
  if (stack == kNone) return 0;
  if (known.size() <= stack) known.resize(stack + 1);
  auto& hashes = known[stack];
  if (hashes.empty()) {
    std::lock_guard<std::mutex> guard(tables().lock);
    hashes.push_back(1);
    for (const StackFrame& frame : tables().stacks[stack]) {
      uint64_t file = hash_of_text(tables().codes[frame.code].file);
      hashes.push_back(mixed(hashes.back(), mixed(file, static_cast<uint64_t>(frame.line))));
    }
  }
  return hashes[kept_of(hashes.size() - 1, shared)];
}

const at::Tensor& variable_of(const Node& leaf) { return static_cast<const AccumulateGrad&>(leaf).variable; }

// The type of all custom functions is one (and not exported): of those the name says which.
uint64_t hash_of_type(const Reached& one) {
  bool is_custom = std::strstr(one.type->name(), "PyNode") != nullptr;
  return is_custom ? hash_of_text(one.node->name()) : one.type->hash_code();
}

uint64_t hash_of_shape(const Node& leaf) {
  const at::Tensor& variable = variable_of(leaf);
  if (!variable.defined() || variable.is_nested() || variable.unsafeGetTensorImpl()->has_symbolic_sizes_strides())
    return 7;
  uint64_t hash = 11;
  for (int64_t size : variable.sizes()) hash = mixed(hash, static_cast<uint64_t>(size));
  return hash;
}

uint64_t fingerprint(const Graph& graph) {
  uint64_t hash = graph.nodes.size();
  Stacks stacks = stacks_of(graph);
  for (size_t at = 0; at < graph.nodes.size(); ++at) {
    const Reached& one = graph.nodes[at];
    hash = mixed(hash, hash_of_type(one));
    hash = mixed(hash, hash_of_stack(stacks.of[at], stacks.shared));
    for (const Edge& edge : one.node->next_edges()) {
      if (!edge.function) {
        hash = mixed(hash, 3);
        continue;
      }
      uint64_t number = graph.numbers.at(edge.function.get());
      bool is_to_leaf = is_leaf(*edge.function);
      hash = mixed(hash, (number << 9) | (uint64_t(edge.input_nr & 0x7F) << 2) | (is_to_leaf ? 1 : 2));
      if (is_to_leaf) hash = mixed(hash, hash_of_shape(*edge.function));
    }
  }
  return hash;
}

std::string leaf_in_words(uint32_t number, const Node& leaf) {
  const at::Tensor& variable = variable_of(leaf);
  std::string words = "leaf" + std::to_string(number) + "[";
  if (!variable.defined() || variable.is_nested() || variable.unsafeGetTensorImpl()->has_symbolic_sizes_strides())
    return words + "?]";
  const char* between = "";
  for (int64_t size : variable.sizes()) {
    words += between + std::to_string(size);
    between = ", ";
  }
  return words + "]";
}

PyObject* as_text(const std::string& text) {
  return PyUnicode_DecodeFSDefaultAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
}

// `((file, line, function), ...)`, innermost first, without those that are shared.
PyObject* frames_of(uint32_t stack, size_t shared = 0) {
  std::vector<std::pair<Code, int>> frames;
  {
    std::lock_guard<std::mutex> guard(tables().lock);
    const auto& all = tables().stacks[stack];
    for (size_t at = 0; at < kept_of(all.size(), shared); ++at) frames.emplace_back(tables().codes[all[at].code], all[at].line);
  }
  PyObject* made = PyTuple_New(static_cast<Py_ssize_t>(frames.size()));
  for (size_t at = 0; made != nullptr && at < frames.size(); ++at) {
    const auto& [code, line] = frames[at];
    PyObject* one = Py_BuildValue("(NiN)", as_text(code.file), line, as_text(code.name));
    if (one == nullptr) {
      Py_CLEAR(made);
      break;
    }
    PyTuple_SET_ITEM(made, static_cast<Py_ssize_t>(at), one);
  }
  return made;
}

PyObject* inputs_of(const Graph& graph, const Node& node) {
  const auto& edges = node.next_edges();
  PyObject* made = PyTuple_New(static_cast<Py_ssize_t>(edges.size()));
  for (size_t at = 0; made != nullptr && at < edges.size(); ++at) {
    const Edge& edge = edges[at];
    PyObject* one;
    if (!edge.function) {
      one = Py_BuildValue("(si)", "", 0);
    } else if (is_leaf(*edge.function)) {
      one = Py_BuildValue("(Ni)", as_text(leaf_in_words(graph.numbers.at(edge.function.get()), *edge.function)), 0);
    } else {
      one = Py_BuildValue("(II)", graph.numbers.at(edge.function.get()), edge.input_nr);
    }
    if (one == nullptr) {
      Py_CLEAR(made);
      break;
    }
    PyTuple_SET_ITEM(made, static_cast<Py_ssize_t>(at), one);
  }
  return made;
}

PyObject* py_fingerprint(PyObject*, PyObject* outputs) {
  HANDLE_TH_ERRORS
  std::vector<NodePtr> roots;
  if (!roots_of(outputs, roots)) return nullptr;
  if (roots.empty()) Py_RETURN_NONE;
  return PyLong_FromUnsignedLongLong(fingerprint(read(roots)));
  END_HANDLE_TH_ERRORS
}

PyObject* py_nodes(PyObject*, PyObject* outputs) {
  HANDLE_TH_ERRORS
  std::vector<NodePtr> roots;
  if (!roots_of(outputs, roots)) return nullptr;
  Graph graph = read(roots);
  Stacks stacks = stacks_of(graph);
  PyObject* nodes = PyList_New(0);
  PyObject* leaves = PyList_New(0);
  bool is_fine = nodes != nullptr && leaves != nullptr;
  auto put = [&is_fine](PyObject* list, PyObject* one) {
    is_fine = is_fine && one != nullptr && PyList_Append(list, one) == 0;
    Py_XDECREF(one);
  };
  for (size_t at = 0; is_fine && at < graph.nodes.size(); ++at) {
    const NodePtr& node = graph.nodes[at].node;
    put(nodes, Py_BuildValue("(NNNN)", torch::autograd::functionToPyObject(node), as_text(node->name()),
                             inputs_of(graph, *node), frames_of(stacks.of[at], stacks.shared)));
  }
  for (size_t at = 0; is_fine && at < graph.leaves.size(); ++at)
    if (variable_of(*graph.leaves[at]).defined()) put(leaves, THPVariable_Wrap(variable_of(*graph.leaves[at])));
  if (is_fine) return Py_BuildValue("(NN)", nodes, leaves);
  Py_XDECREF(nodes);
  Py_XDECREF(leaves);
  return nullptr;
  END_HANDLE_TH_ERRORS
}

// The code that runs calls of modules, and what marks its frames; None and None: sequences are kept no more.
PyObject* py_watch_sequences(PyObject*, PyObject* args) {
  PyObject *code, *mark;
  if (!PyArg_ParseTuple(args, "OO", &code, &mark)) return nullptr;
  Sequences& all = sequences();
  all.call = nullptr;
  own_sequence().is_open = false;
  if (!PyCode_Check(code)) Py_RETURN_NONE;
  Py_INCREF(code);  // and never let go: its address stays its own
  Py_INCREF(mark);
  Py_XSETREF(all.mark, mark);
  {
    std::lock_guard<std::mutex> guard(all.lock);
    all.finished.clear();
    all.known.clear();
  }
  all.call = reinterpret_cast<PyCodeObject*>(code);
  Py_RETURN_NONE;
}

PyObject* ops_of(const Step& step) {
  if (!step.has_ops) Py_RETURN_NONE;
  PyObject* made = PyList_New(static_cast<Py_ssize_t>(step.ops.size()));
  for (size_t at = 0; made != nullptr && at < step.ops.size(); ++at) {
    std::string name;
    {
      std::lock_guard<decltype(tables().lock)> guard(tables().lock);
      name = tables().names[step.ops[at].first].text;
    }
    PyObject* one = Py_BuildValue("(NN)", as_text(name), frames_of(step.ops[at].second));
    if (one == nullptr) {
      Py_CLEAR(made);
      break;
    }
    PyList_SET_ITEM(made, static_cast<Py_ssize_t>(at), one);
  }
  return made;
}

PyObject* py_take_sequences(PyObject*, PyObject*) {
  std::vector<Step> steps;
  {
    std::lock_guard<std::mutex> guard(sequences().lock);
    steps.swap(sequences().finished);
  }
  PyObject* made = PyList_New(static_cast<Py_ssize_t>(steps.size()));
  for (size_t at = 0; made != nullptr && at < steps.size(); ++at) {
    const Step& step = steps[at];
    PyObject* one = Py_BuildValue("(KNKN)", static_cast<unsigned long long>(step.thread), frames_of(step.caller),
                                  static_cast<unsigned long long>(step.hash), ops_of(step));
    if (one == nullptr) {
      Py_CLEAR(made);
      break;
    }
    PyList_SET_ITEM(made, static_cast<Py_ssize_t>(at), one);
  }
  return made;
}

PyObject* py_end_sequence(PyObject*, PyObject*) {
  sequences().finish(own_sequence());
  Py_RETURN_NONE;
}

}  // namespace

PyMethodDef graph_methods[] = {
    {"watch_sequences", py_watch_sequences, METH_VARARGS, "Keep the ops of calls without gradients."},
    {"take_sequences", py_take_sequences, METH_NOARGS,
     "Those that have ended: `[(thread, frames of the call, number, [(op, frames)] or None if known)]`."},
    {"end_sequence", py_end_sequence, METH_NOARGS, "The last call of this thread has ended."},

    {"graph_fingerprint", py_fingerprint, METH_O, "Of the graph of these tensors; None where they have none."},
    {"graph_nodes", py_nodes, METH_O,
     "`([(node, name, ((node's number or leaf, output), ...), frames)], leaves)`."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace tracedbg
