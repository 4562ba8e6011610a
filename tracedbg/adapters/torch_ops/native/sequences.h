// The ops of calls without gradients, in their order: one sequence for each outermost call of a module.
//
// Where a call begins is told by its frame: the first op of a call finds no mark of ours on it. Frames have
// a place for one, that only a debugger uses: `f_trace`. Only where the layout of frames is known.
#pragma once

#include <ATen/core/grad_mode.h>
#include <Python.h>

#include <mutex>
#include <unordered_set>
#include <utility>
#include <vector>

#include "frames.h"
#include "tables.h"
#include "threads.h"

namespace tracedbg {

constexpr size_t kMaxSequence = 20'000, kMaxFinished = 50'000, kMaxKnownSequences = 8'192;

struct Step {
  uint64_t thread = 0, hash = 0;
  uint32_t caller = kNone;                          // the stack of the call
  std::vector<std::pair<uint32_t, uint32_t>> ops;  // name and stack; only of the first that is like this
  bool has_ops = false;
};

struct Sequence {
  const void* frame = nullptr;
  bool is_open = false;
  Step step;
};

class Sequences {
 public:
  std::mutex lock;
  std::vector<Step> finished;
  std::unordered_set<uint64_t> known;
  PyCodeObject* call = nullptr;  // what runs the call of a module; both are set with the GIL, before any op
  PyObject* mark = nullptr;

  void finish(Sequence& sequence) {
    if (!sequence.is_open) return;
    sequence.is_open = false;
    Step& step = sequence.step;
    if (step.ops.empty()) return;
    std::lock_guard<std::mutex> guard(lock);
    if (finished.size() >= kMaxFinished) return;
    uint64_t key = mixed(step.hash, step.caller);
    step.has_ops = known.size() < kMaxKnownSequences && step.ops.size() < kMaxSequence && known.insert(key).second;
    finished.push_back({step.thread, step.hash, step.caller, {}, step.has_ops});
    if (step.has_ops) finished.back().ops.swap(step.ops);
  }
};

inline Sequences& sequences() {
  static auto* one = new Sequences;
  return *one;
}

inline Sequence& own_sequence() {
  static thread_local Sequence own;
  return own;
}

inline void lock_sequences() { sequences().lock.lock(); }
inline void unlock_sequences() { sequences().lock.unlock(); }

// In a forked child: what was told is in the parent's recording alone.
inline void forget_sequences() {
  sequences().finished.clear();
  sequences().known.clear();
  sequences().lock.unlock();
}

#ifdef TRACEDBG_KNOWS_LAYOUT
inline bool has_mark(const RawFrame* frame) {
  if (frame->frame_object == nullptr) return false;
  Gil gil;
  if (!gil) return false;
  PyObject* found = PyObject_GetAttrString(reinterpret_cast<PyObject*>(frame->frame_object), "f_trace");
  bool is_ours = found == sequences().mark;
  Py_XDECREF(found);
  PyErr_Clear();
  return is_ours;
}

// False where somebody else's mark is there: a debugger's.
inline bool put_mark(PyThreadState* state, const RawFrame* wanted) {
  Gil gil;
  if (!gil) return false;
  PyFrameObject* frame = PyThreadState_GetFrame(state);
  while (frame != nullptr && wanted->frame_object != frame) {
    PyFrameObject* outer = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = outer;
  }
  if (frame == nullptr) return false;
  auto* object = reinterpret_cast<PyObject*>(frame);
  PyObject* found = PyObject_GetAttrString(object, "f_trace");
  bool is_free = found == Py_None;
  Py_XDECREF(found);
  if (is_free) is_free = PyObject_SetAttrString(object, "f_trace", sequences().mark) == 0;
  PyErr_Clear();
  Py_DECREF(object);
  return is_free;
}

inline uint32_t stack_outside(PyThreadState* state, const RawFrame* call) {
  std::vector<StackFrame> frames;
  bool is_outside = false;
  walk_raw(state, kMaxFrames, [&](const Visited& at) {
    if (is_outside && frames.size() < kMaxUserFrames) {
      Owner owner = kLibrary;
      bool is_counted = false;
      uint32_t code = tables().code(at.code, owner, is_counted);
      if (owner == kUser && code != kNone) frames.push_back({code, PyCode_Addr2Line(at.code, at.offset)});
    }
    is_outside = is_outside || at.activation == call;
    return true;
  });
  return tables().stack(frames);
}

// An op that no other op has called begins.
inline void note_op(uint64_t thread, PyThreadState* state, uint32_t name, uint32_t stack) {
  Sequences& all = sequences();
  if (all.call == nullptr || !is_layout_known) return;
  Sequence& own = own_sequence();
  bool has_gradients = at::GradMode::is_enabled();
  if (has_gradients && !own.is_open) return;
  const RawFrame* call = nullptr;
  walk_raw(state, kMaxFrames, [&](const Visited& at) {
    if (at.code == all.call) call = static_cast<const RawFrame*>(at.activation);
    return true;
  });
  bool is_marked = call != nullptr && has_mark(call);
  if (has_gradients) {
    if (is_marked && call == own.frame) own.is_open = false;  // a part of a call that has gradients is no step
    all.finish(own);
    return;
  }
  if (!is_marked) {
    all.finish(own);
    if (call == nullptr || !put_mark(state, call)) return;
    own.is_open = true;
    own.frame = call;
    own.step.ops.clear();
    own.step.thread = thread;
    own.step.hash = 1;
    own.step.caller = stack_outside(state, call);
  } else if (!own.is_open || own.frame != call) {
    return;
  }
  own.step.hash = mixed(own.step.hash, (static_cast<uint64_t>(name) << 32) | stack);
  if (own.step.ops.size() < kMaxSequence) own.step.ops.emplace_back(name, stack);
}
#else
inline void note_op(uint64_t, PyThreadState*, uint32_t, uint32_t) {}
#endif

}  // namespace tracedbg
