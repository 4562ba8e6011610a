// Sees every op that torch executes, in all threads, and adds up what it has seen; see the module
// `tracedbg.adapters.torch_ops`. Nothing here runs Python code, changes a tensor or keeps one.
//
// Public of torch: at::addGlobalCallback and at::RecordFunction (2.0-2.13).
#include <ATen/record_function.h>
#include <Python.h>
#include <c10/core/TensorImpl.h>

#include "clock.h"
#include "frames.h"
#include "graph.h"
#include "sequences.h"
#include "tables.h"
#include "threads.h"
#include "words.h"

namespace tracedbg {
namespace {

const Clock* ticks = nullptr;  // of all times here
std::atomic<bool> is_on{false};
std::atomic<uint32_t> epoch{1};
at::CallbackHandle handle = at::INVALID_CALLBACK_HANDLE;

// --- the window of single executions -----------------------------------------------------------------

std::atomic<bool> is_window_open{false};           // by steps, or by calls
std::atomic<int64_t> window_begin{0}, window_end{0};  // by ticks; nothing where they are equal
std::atomic<int64_t> rows_left{0}, left_out{0};
std::atomic<int64_t> calls{0}, first_call{0}, end_call{0};  // of the function that is counted
PyObject* call_mark = nullptr;

// A new call of the function that is counted is on the stack: its frame has no mark of ours yet. Frames
// have a place for one, that only a debugger uses: `f_trace`.
void count_call(PyThreadState* state) {
  if (calls.load(std::memory_order_relaxed) >= end_call.load(std::memory_order_relaxed)) return;
  Gil gil;
  if (!gil) return;
  PyFrameObject* frame = PyThreadState_GetFrame(state);
  for (int most = kMaxFrames; frame != nullptr && most > 0; --most) {
    PyCodeObject* code = PyFrame_GetCode(frame);
    Owner owner;
    bool is_counted = false;
    tables().code(code, owner, is_counted);
    Py_DECREF(code);
    if (is_counted) break;
    PyFrameObject* outer = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = outer;
  }
  if (frame == nullptr) return;
  auto* object = reinterpret_cast<PyObject*>(frame);
  PyObject* mark = PyObject_GetAttrString(object, "f_trace");
  if (mark != nullptr && mark != call_mark) {
    if (mark == Py_None) PyObject_SetAttrString(object, "f_trace", call_mark);
    int64_t number = ++calls;
    is_window_open.store(number >= first_call.load() && number < end_call.load());
  }
  Py_XDECREF(mark);
  PyErr_Clear();
  Py_DECREF(frame);
}

bool is_in_window(int64_t start) {
  if (is_window_open.load(std::memory_order_relaxed)) return true;
  int64_t end = window_end.load(std::memory_order_relaxed);
  return end != 0 && start < end && start >= window_begin.load(std::memory_order_relaxed);
}

// --- where an op is called from ----------------------------------------------------------------------

Place look_up(Thread& thread, PyThreadState* state, uint64_t hash) {
  Place place;
  std::vector<StackFrame> frames;  // the generated one first, where there is one
  bool is_known = true;
  walk(state, kMaxFrames, [&](const Visited& at) {
    Owner owner = kLibrary;
    bool is_counted = false;
    uint32_t code = tables().code(at.code, owner, is_counted, at.activation);
    is_known = is_known && code != kNone;
    if (is_counted) place.flags |= kCounted;
    switch (owner) {
      case kGenerated:
        if (!frames.empty()) break;
        place.flags |= kInGenerated;
        [[fallthrough]];
      case kUser:
        if (code != kNone && frames.size() < kMaxUserFrames)
          frames.push_back({code, PyCode_Addr2Line(at.code, at.offset)});
        break;
      case kCompiler:
        place.flags |= kLeaveOut;
        break;
      case kOurs:
        if (frames.empty()) place.flags |= kLeaveOut;
        break;
      case kLibrary:
        break;
    }
    return true;
  });
  place.stack = tables().stack(frames);
  if (is_known) thread.stacks.put(hash, (uint64_t(place.stack) << 8) | place.flags);
  return place;
}

Place current_place(Thread& thread, PyThreadState* state) {
  uint64_t hash = 0x51ED270B;
  walk(state, kMaxFrames, [&](const Visited& at) {
    hash = mixed(hash, reinterpret_cast<uint64_t>(at.code) + (uint64_t(at.offset) << 48));
    return true;
  });
  hash |= 1;
  const uint64_t* known = thread.stacks.find(hash);
  if (known == nullptr) return look_up(thread, state, hash);
  return {static_cast<uint32_t>(*known >> 8), static_cast<uint8_t>(*known)};
}

uint32_t forward_stack(Thread& thread, const at::RecordFunction& function) {
  uint64_t of = function.forwardThreadId();
  if (function.seqNr() < 0) return kNone;
  if (of == 0) of = thread.logical;
  if (thread.forward == nullptr || thread.forward->thread.load() != of) thread.forward = threads().ring_by(of);
  return thread.forward != nullptr ? thread.forward->find(function.seqNr()) : kNone;
}

// --- what it is --------------------------------------------------------------------------------------

uint32_t name_of(Thread& thread, const char* text, const Name*& name) {
  // An op's name stays where it is as long as the op is registered; others are made for each execution.
  auto& known = thread.names[mixed(0, reinterpret_cast<uint64_t>(text)) >> (64 - kNameBits)];
  if (known.text != text || tables().names[known.number].text != text) known = {text, tables().name(text)};
  name = &tables().names[known.number];
  return known.number;
}

uint32_t inputs_of(Thread& thread, const at::RecordFunction& function) {
  uint64_t hash = hash_of(function.inputs());
  if (hash == 0) return kNone;
  const uint64_t* known = thread.inputs.find(hash);
  if (known != nullptr) return static_cast<uint32_t>(*known);
  thread.words.clear();
  put_words(function.inputs(), thread.words);
  uint32_t number = tables().input(thread.words);
  thread.inputs.put(hash, number);
  return number;
}

uint8_t sync_number(const char* sync) {
  std::lock_guard<std::mutex> guard(tables().lock);
  return tables().sync_number(sync);
}

// The outermost one is told of: the others are parts of it.
uint8_t sync_of(const Thread& thread, const Name& name, const at::RecordFunction& function) {
  if (!(name.sync || name.traits & (kIsClone | kIsCopyTo))) return 0;
  bool is_indexing = false, is_number = false;
  for (const auto& one : thread.open) {
    if (one.is_sync) return 0;
    is_indexing |= (one.traits & kIsIndexing) != 0;
    is_number |= (one.traits & kTakesNumber) != 0;
  }
  static const uint8_t mask = sync_number("mask"), copy = sync_number("copy"), cpu = sync_number("cpu"),
                       nonzero = sync_number("nonzero"), item = sync_number("item");
  if (name.sync == item && is_number && is_on_host(function.inputs())) return 0;
  if (name.sync == nonzero && is_indexing) return mask;
  if (name.traits & kIsClone) return !thread.open.empty() && thread.open.back().traits & kMayCopy ? copy : 0;
  if (name.traits & kIsCopyTo) return is_copy_to_host(function.inputs()) ? cpu : 0;
  return name.sync;
}

uint32_t slot_of(Thread& thread, const Kind& kind) {
  uint64_t hash = KindHash()(kind) | 1;
  const uint64_t* known = thread.kinds.find(hash);
  if (known != nullptr) return static_cast<uint32_t>(*known);
  uint32_t number = tables().kind(kind);
  uint32_t slot = 0;
  {
    std::lock_guard<SpinLock> guard(thread.lock);
    auto placed = thread.slot_numbers.emplace(number, static_cast<uint32_t>(thread.slots.size()));
    if (placed.second) thread.slots.push_back({number, 0, 0, 0, 0});
    slot = placed.first->second;
  }
  thread.kinds.put(hash, slot);
  return slot;
}

// --- the callbacks -----------------------------------------------------------------------------------

struct Busy {
  Thread& thread;
  explicit Busy(Thread& of) : thread(of) { thread.is_busy = true; }
  ~Busy() { thread.is_busy = false; }
};

Thread* ready() {
  Thread* thread = threads().own();
  if (thread == nullptr || thread->is_busy) return nullptr;
  uint32_t now = epoch.load(std::memory_order_relaxed);
  if (thread->epoch != now) {
    thread->forget();
    thread->epoch = now;
  }
  return thread;
}

// Where it is, what it is, and that it is under way. `function` is null for a method that is patched.
void begin(Thread& thread, const at::RecordFunction* function, const char* text) {
  if (thread.open.size() >= kMaxOpen) return;
  const Name* name;
  uint32_t number = name_of(thread, text, name);
  const Open* outer = thread.open.empty() ? nullptr : &thread.open.back();
  bool is_backward_node = function != nullptr && function->scope() == at::RecordScope::BACKWARD_FUNCTION;
  bool is_script = function != nullptr && function->scope() == at::RecordScope::TORCHSCRIPT_FUNCTION;

  Open made{};
  made.function = function;
  made.traits = name->traits;
  made.is_script = is_script || (outer != nullptr && outer->is_script);
  made.is_method = function == nullptr;
  made.is_backward = is_backward_node || (name->traits & kIsEngine) || (outer != nullptr && outer->is_backward);

  PyThreadState* state = own_state();
  if (state != nullptr) {
    made.spot = current_spot(state);
    bool is_same = outer != nullptr && made.spot.activation != nullptr &&
                   (made.spot == outer->spot ||
                    (outer->is_method && made.spot.activation == outer->spot.activation));
    if (is_same) {
      made.place = outer->place;
      made.walked = outer->walked;
    } else {
      made.place = current_place(thread, state);
      made.walked = made.place.stack;
      if (made.place.flags & kCounted && end_call.load(std::memory_order_relaxed) > 0) count_call(state);
      // In a backward, ops that no code of the user's has called come from the forward.
      if (outer != nullptr && outer->is_backward && made.walked == outer->walked) made.place.stack = outer->place.stack;
    }
  } else if (outer != nullptr) {
    made.place = outer->place;
    made.walked = outer->walked;
  }
  bool is_known = made.spot.activation != nullptr;  // where frames are not read as they stand, nobody knows
  if (outer == nullptr && !is_script && thread.has_node && is_known && made.spot == thread.node_spot) {
    // Python has not gone on since a node has ended: it is the engine that adds gradients up.
    made.is_backward = true;
    made.place.stack = thread.node_stack;
  }
  if (is_backward_node && !(name->traits & kIsEngine)) {
    uint32_t stack = forward_stack(thread, *function);
    if (stack != kNone || state == nullptr) made.place.stack = stack;
    // What the engine does with the node's result belongs to it.
    if (outer != nullptr && outer->traits & kIsEngine) thread.open.back().place.stack = made.place.stack;
  } else if (function != nullptr && function->seqNr() >= 0 && !(made.place.flags & kLeaveOut)) {
    if (thread.ring == nullptr) thread.ring = threads().ring_of(thread);
    thread.ring->put(function->seqNr(), made.place.stack);
  }
  made.is_traced = made.is_script || (made.place.flags & kInGenerated) || (name->traits & (kIsRegion | kIsCompiled));
  made.is_shown = !(made.place.flags & kLeaveOut) && !(name->traits & (kIsEngine | kIsNoOp)) && !is_script;
  if (outer == nullptr && made.is_shown && !made.is_backward && !made.is_traced && state != nullptr)
    note_op(thread.ident, state, number, made.place.stack);
  if (made.is_shown) {
    uint8_t sync = function != nullptr ? sync_of(thread, *name, *function) : name->sync;
    // What Python runs eagerly between two compiled parts of a function is not called by the compiled ones.
    bool is_outer = true;
    for (auto one = thread.open.rbegin(); one != thread.open.rend() && is_outer; ++one)
      is_outer = !one->is_shown || (one->traits & kIsRegion && !made.is_traced);
    Kind kind{number, function != nullptr ? inputs_of(thread, *function) : kNone, made.place.stack,
              static_cast<uint8_t>((made.is_backward ? kIsBackward : 0) | (made.is_traced ? kIsTraced : 0) |
                                   (is_outer ? kIsOuter : 0)),
              sync};
    made.slot = slot_of(thread, kind);
    made.is_sync = sync != 0;
  }
  made.start = ticks->now();
  made.is_in_window = made.is_shown && is_in_window(made.start);
  thread.open.push_back(made);
}

void end(Thread& thread, size_t at) {
  Open& ended = thread.open[at];
  int64_t whole = ticks->now() - ended.start;
  int64_t duration = std::max<int64_t>(whole - ended.apart, 0);
  bool is_apart = false;  // not a part of the compiled call around it
  if (ended.is_shown) {
    for (size_t outer = at; outer-- > 0;) {
      Open& one = thread.open[outer];
      if (!one.is_shown) continue;
      is_apart = (one.traits & kIsRegion) && !ended.is_traced;
      if (!is_apart) one.inner += duration;
      break;
    }
    if (is_apart)
      for (size_t outer = at; outer-- > 0;) thread.open[outer].apart += duration;
    std::lock_guard<SpinLock> guard(thread.lock);
    Slot& slot = thread.slots[ended.slot];
    if (slot.count++ == 0) thread.touched.push_back(ended.slot);
    slot.total += duration;
    slot.self += std::max<int64_t>(duration - ended.inner, 0);
    slot.longest = std::max(slot.longest, duration);
    if (ended.is_in_window) {
      if (rows_left.fetch_sub(1, std::memory_order_relaxed) > 0)
        thread.rows.push_back({slot.kind, ended.start, whole});
      else
        left_out.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (at == 0) {
    thread.has_node = ended.is_backward;
    thread.node_spot = ended.spot;
    thread.node_stack = ended.place.stack;
  }
  thread.open.resize(at);
}

std::unique_ptr<at::ObserverContext> on_start(const at::RecordFunction& function) {
  if (!is_on.load(std::memory_order_relaxed) || function.isAsync()) return nullptr;
  Thread* thread = ready();
  if (thread == nullptr) return nullptr;
  Busy busy(*thread);
  try {
    begin(*thread, &function, function.name());
  } catch (...) {  // out of memory: this op is not counted
  }
  return nullptr;
}

void on_end(const at::RecordFunction& function, at::ObserverContext*) {
  if (function.isAsync()) return;
  Thread* thread = threads().own();
  if (thread == nullptr || thread->is_busy) return;
  Busy busy(*thread);
  // It is the last one, but for what was never told to have ended.
  for (size_t at = thread->open.size(); at-- > 0;)
    if (thread->open[at].function == &function) {
      try {
        end(*thread, at);
      } catch (...) {
      }
      return;
    }
}

#include "module.h"

}  // namespace
}  // namespace tracedbg

PyMODINIT_FUNC PyInit__tracedbg_torch_ops() {
  static const int is_ready =
      pthread_atfork(tracedbg::before_fork, tracedbg::after_fork_in_parent, tracedbg::after_fork_in_child);
      pthread_atfork(tracedbg::lock_sequences, tracedbg::unlock_sequences, tracedbg::forget_sequences);
  (void)is_ready;
  tracedbg::ticks = &tracedbg::clock();
  PyObject* module = PyModule_Create(&tracedbg::definition);
  if (module != nullptr && PyModule_AddFunctions(module, tracedbg::graph_methods) != 0) Py_CLEAR(module);
  return module;
}
