// The Python frames of this very thread, innermost first.
//
// Ops run without the GIL. While they do, nobody changes the frames of their thread: its codes and
// instructions may be read as they stand, which takes no lock and makes no objects. Where the layout of
// a Python is not known, or `is_layout_known` found it to be another, frames are read through the public
// functions, with the GIL.
#pragma once

#include <Python.h>
#include <frameobject.h>

#include <cstdint>

namespace tracedbg {

#if PY_VERSION_HEX >= 0x030D0000
inline bool is_finalizing() { return Py_IsFinalizing() != 0; }
#else
inline bool is_finalizing() { return _Py_IsFinalizing() != 0; }
#endif

// The thread's state, whether or not it has the GIL; null where it has none, or Python is going away.
inline PyThreadState* own_state() {
  if (!Py_IsInitialized() || is_finalizing()) return nullptr;
  return PyGILState_GetThisThreadState();
}

// The GIL, for a thread with a state of its own: to make one here could hang at the end of Python.
class Gil {
 public:
  Gil() : has_(own_state() != nullptr) {
    if (!has_) return;
    state_ = PyGILState_Ensure();
    PyErr_Fetch(&type_, &value_, &traceback_);
  }
  ~Gil() {
    if (!has_) return;
    PyErr_Restore(type_, value_, traceback_);
    PyGILState_Release(state_);
  }
  Gil(const Gil&) = delete;
  Gil& operator=(const Gil&) = delete;
  explicit operator bool() const { return has_; }

 private:
  bool has_;
  PyGILState_STATE state_{};
  PyObject *type_ = nullptr, *value_ = nullptr, *traceback_ = nullptr;
};

#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030E0000 && !defined(Py_GIL_DISABLED)
#define TRACEDBG_KNOWS_LAYOUT 1

// What CPython calls _Py_CODEUNIT: since 3.13 its public headers have it no more.
using CodeUnit = uint16_t;

// As in CPython's Include/internal/pycore_frame.h, as far as it is read here.
#if PY_VERSION_HEX < 0x030C0000
struct RawFrame {
  PyObject *f_func, *f_globals, *f_builtins, *f_locals;
  PyObject* code;
  PyFrameObject* frame_object;
  RawFrame* previous;
  CodeUnit* instruction;
  int stacktop;
  bool is_entry;
  char owner;
};
#else
struct RawFrame {
  PyObject* code;
  RawFrame* previous;
  PyObject *f_func, *f_globals, *f_builtins, *f_locals;
  PyFrameObject* frame_object;
  CodeUnit* instruction;
  int stacktop;
  uint16_t return_offset;
  char owner;
};
#endif
constexpr char kOwnedByInterpreter = 3;  // since 3.12: no function's frame

inline RawFrame* innermost(PyThreadState* state) {
#if PY_VERSION_HEX < 0x030D0000
  return reinterpret_cast<RawFrame*>(state->cframe->current_frame);
#else
  return reinterpret_cast<RawFrame*>(state->current_frame);
#endif
}
#endif

inline bool is_layout_known = false;

// A weak reference to the first argument of a frame of this thread that has not ended: the graph whose code it
// runs; null where that cannot be told. The caller has the GIL, and knows that it is a frame of that code.
inline PyObject* first_argument(const void* activation, PyCodeObject* code) {
#ifdef TRACEDBG_KNOWS_LAYOUT
  if (!is_layout_known || activation == nullptr || code->co_argcount < 1) return nullptr;
  auto* locals = reinterpret_cast<PyObject* const*>(static_cast<const RawFrame*>(activation) + 1);
  if (locals[0] == nullptr) return nullptr;
  PyObject* made = PyWeakref_NewRef(locals[0], nullptr);
  if (made == nullptr) PyErr_Clear();
  return made;
#else
  (void)activation, (void)code;
  return nullptr;
#endif
}

// One frame as it is visited.
struct Visited {
  const void* activation;  // tells two frames that are on the stack at once apart
  PyCodeObject* code;
  int offset;  // in bytes, of the instruction
};

// The innermost frame, and where it is: enough to tell whether Python has run since.
struct Spot {
  const void* activation = nullptr;
  const void* instruction = nullptr;
  bool operator==(const Spot& other) const {
    return activation == other.activation && instruction == other.instruction;
  }
};

inline Spot current_spot(PyThreadState* state) {
#ifdef TRACEDBG_KNOWS_LAYOUT
  if (is_layout_known) {
    RawFrame* frame = innermost(state);
    if (frame != nullptr) return {frame, frame->instruction};
  }
#endif
  (void)state;
  return {};
}

template <class Visit>
bool walk_raw(PyThreadState* state, int most, Visit&& visit) {
#ifdef TRACEDBG_KNOWS_LAYOUT
  for (RawFrame* frame = innermost(state); frame != nullptr && most > 0; frame = frame->previous) {
    if (frame->owner == kOwnedByInterpreter || frame->code == nullptr || !PyCode_Check(frame->code)) continue;
    auto* code = reinterpret_cast<PyCodeObject*>(frame->code);
    auto* first = reinterpret_cast<CodeUnit*>(code->co_code_adaptive);
    int offset = static_cast<int>(frame->instruction - first) * static_cast<int>(sizeof(CodeUnit));
    --most;
    if (!visit(Visited{frame, code, offset})) break;
  }
  return true;
#else
  (void)state, (void)most, (void)visit;
  return false;
#endif
}

// The caller has the GIL.
template <class Visit>
void walk_objects(PyThreadState* state, int most, Visit&& visit) {
#if PY_VERSION_HEX >= 0x030B0000
  PyFrameObject* frame = PyThreadState_GetFrame(state);
#else
  PyFrameObject* frame = PyThreadState_GetFrame(state);
#endif
  while (frame != nullptr && most-- > 0) {
    PyCodeObject* code = PyFrame_GetCode(frame);
#if PY_VERSION_HEX >= 0x030B0000
    int offset = PyFrame_GetLasti(frame);
#else
    int offset = frame->f_lasti * 2;
#endif
    bool goes_on = visit(Visited{frame, code, offset});
    Py_DECREF(code);
    PyFrameObject* outer = goes_on ? PyFrame_GetBack(frame) : nullptr;
    Py_DECREF(frame);
    frame = outer;
  }
}

// Visits frames until `visit` returns false. The second visit of a pair sees what the first has seen.
template <class Visit>
void walk(PyThreadState* state, int most, Visit&& visit) {
  if (is_layout_known) {
    walk_raw(state, most, visit);
    return;
  }
  Gil gil;
  if (gil) walk_objects(state, most, visit);
}

// Whether frames as they stand say what the public functions say, here and now. The caller has the GIL.
inline bool check_layout() {
  struct Seen {
    PyCodeObject* code;
    int offset;
  };
  constexpr int kMost = 64;
  Seen raw[kMost], objects[kMost];
  int raw_count = 0, count = 0;
  PyThreadState* state = PyThreadState_Get();
  if (!walk_raw(state, kMost, [&](const Visited& at) {
        raw[raw_count++] = {at.code, at.offset};
        return true;
      }))
    return false;
  walk_objects(state, kMost, [&](const Visited& at) {
    objects[count++] = {at.code, at.offset};
    return true;
  });
  if (raw_count != count || count == 0) return false;
  for (int i = 0; i < count; ++i)
    if (raw[i].code != objects[i].code || raw[i].offset != objects[i].offset) return false;
  return true;
}

}  // namespace tracedbg
