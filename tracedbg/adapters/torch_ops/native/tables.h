// What executions have in common, kept once: names, shapes, codes, stacks, kinds. All of it is bounded,
// and numbers stay valid to the end of the process. Never wait for the GIL with `lock` held.
#pragma once

#include <Python.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "frames.h"

namespace tracedbg {

constexpr uint32_t kNone = 0;  // number 0 of each table: nothing known
constexpr size_t kMaxNames = 8'000, kMaxInputs = 20'000, kMaxCodes = 20'000, kMaxStacks = 50'000;
// Fewer than a recording has room for (`store.ran_writer.MAX_KINDS`): first without shapes, then without lines.
constexpr size_t kMaxKinds = 10'000, kMaxPlainKinds = 18'000;
constexpr int kMaxUserFrames = 16, kMaxFrames = 512;

inline uint64_t mixed(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ull;
  return hash ^ (hash >> 29);
}

// Whose code it is.
enum Owner : uint8_t { kLibrary, kUser, kGenerated, kCompiler, kOurs };

struct Code {
  std::string file, name;
  Owner owner;
  bool is_counted;  // the function whose calls the window counts
  PyObject* graph = nullptr;  // of generated code: a weak reference to what ran it first, where that is known
};

struct StackFrame {
  uint32_t code;
  int32_t line;
};

// What a name says by itself: numbers are shared with `observer.py`.
enum NameTraits : uint16_t {
  kIsIndexing = 1,    // by a mask, if it looks for what is not zero
  kMayCopy = 2,       // a copy inside is one that was not asked for
  kIsClone = 4,
  kIsCopyTo = 8,
  kTakesNumber = 256, // a tensor that it is given as a number is one of the host
  kIsEngine = 16,     // what the engine does around a node: no op, but what runs inside is backward
  kIsRegion = 32,     // a call of a compiled function
  kIsCompiled = 64,   // a compiled function, or its backward
  kIsNoOp = 128,      // a mark of a compiler's, or a mode of dispatch
};

struct Name {
  std::string text;
  uint16_t traits = 0;
  std::string wait;  // what makes the host wait; a value of `ran.SYNCS`, or nothing
  uint8_t sync = 0;  // its number in `Tables::syncs`
};

enum KindFlags : uint8_t { kIsBackward = 1, kIsTraced = 2, kIsOuter = 4 };

struct Kind {
  uint32_t name, inputs, stack;
  uint8_t flags, sync;
  bool operator==(const Kind& other) const {
    return name == other.name && inputs == other.inputs && stack == other.stack && flags == other.flags &&
           sync == other.sync;
  }
};
struct KindHash {
  size_t operator()(const Kind& kind) const {
    uint64_t hash = mixed((uint64_t(kind.name) << 32) | kind.inputs, (uint64_t(kind.stack) << 16) | kind.flags);
    return mixed(hash, kind.sync);
  }
};

// Which files are whose; set before anything is recorded.
struct Files {
  std::vector<std::string> library_begins, library_parts, generated_begins, generated_parts, compiler_ends, ours, methods;
  std::string runtime_name;  // a function of a compiler's file that runs what was compiled
  std::string counted;       // the end of the name of the function whose calls are counted

  static bool begins(const std::string& text, const std::string& with) { return text.rfind(with, 0) == 0; }
  static bool ends(const std::string& text, const std::string& with) {
    return text.size() >= with.size() && text.compare(text.size() - with.size(), with.size(), with) == 0;
  }

  Owner owner(const std::string& file, const std::string& name) const {
    for (const auto& one : methods)
      if (file == one) return kLibrary;
    for (const auto& one : ours)
      if (begins(file, one)) return kOurs;
    for (const auto& one : generated_begins)
      if (begins(file, one)) return kGenerated;
    for (const auto& one : generated_parts)
      if (file.find(one) != std::string::npos) return kGenerated;
    if (is_hashed(file)) return kGenerated;
    for (const auto& one : compiler_ends)
      if (ends(file, one) && name != runtime_name) return kCompiler;
    for (const auto& one : library_parts)
      if (file.find(one) != std::string::npos) return kLibrary;
    for (const auto& one : library_begins)
      if (begins(file, one)) return kLibrary;
    return kUser;
  }

  // As Inductor names what it has written, wherever its cache is: `/ab/cab....py`, a hash.
  static bool is_hashed(const std::string& file) {
    size_t slash = file.rfind('/');
    if (slash == std::string::npos || slash < 3 || file[slash - 3] != '/') return false;
    return file.size() - slash > 50 && file[slash + 1] == 'c' && ends(file, ".py");
  }

  bool is_counted(const std::string& name) const {
    if (counted.empty()) return false;
    return name == counted || ends(name, "." + counted);
  }
};

class Tables {
 public:
  Tables() { names.reserve(kMaxNames + 1); }  // threads read them without the lock: they never move

  std::mutex lock;
  Files files;
  std::vector<Name> names{Name{"(further ops)"}};
  std::vector<std::string> inputs{""};
  std::vector<Code> codes{Code{"", "", kLibrary, false}};
  std::vector<std::vector<StackFrame>> stacks{{}};
  std::vector<Kind> kinds{Kind{}};
  std::vector<std::string> syncs{""};
  std::unordered_map<std::string, Name> known_names;

  uint32_t name(const std::string& text) {
    std::lock_guard<std::mutex> guard(lock);
    return interned(name_numbers_, names, text, kMaxNames, [this](const std::string& one) { return described(one); });
  }

  uint32_t input(const std::string& text) {
    std::lock_guard<std::mutex> guard(lock);
    auto known = input_numbers_.find(text);
    if (known != input_numbers_.end()) return known->second;
    if (inputs.size() >= kMaxInputs) return kNone;
    auto number = static_cast<uint32_t>(inputs.size());
    inputs.push_back(text);
    input_numbers_.emplace(text, number);
    return number;
  }

  uint32_t stack(const std::vector<StackFrame>& frames) {
    if (frames.empty()) return kNone;
    std::string key(reinterpret_cast<const char*>(frames.data()), frames.size() * sizeof(StackFrame));
    std::lock_guard<std::mutex> guard(lock);
    auto known = stack_numbers_.find(key);
    if (known != stack_numbers_.end()) return known->second;
    if (stacks.size() >= kMaxStacks) return kNone;
    auto number = static_cast<uint32_t>(stacks.size());
    stacks.push_back(frames);
    stack_numbers_.emplace(std::move(key), number);
    return number;
  }

  uint32_t kind(Kind wanted) {
    std::lock_guard<std::mutex> guard(lock);
    auto known = kind_numbers_.find(wanted);
    if (known != kind_numbers_.end()) return known->second;
    if (kinds.size() >= kMaxKinds) {
      wanted.inputs = kNone;
      if (kinds.size() >= kMaxPlainKinds && kind_numbers_.find(wanted) == kind_numbers_.end()) wanted.stack = kNone;
      known = kind_numbers_.find(wanted);
      if (known != kind_numbers_.end()) return known->second;
    }
    auto number = static_cast<uint32_t>(kinds.size());
    kinds.push_back(wanted);
    kind_numbers_.emplace(wanted, number);
    return number;
  }

  // The number of a code object; 0 where it can be known no more. A code that has one is never freed:
  // its address stays its own. `activation` is a frame of it.
  uint32_t code(PyCodeObject* object, Owner& owner, bool& is_counted, const void* activation = nullptr) {
    {
      std::lock_guard<std::mutex> guard(lock);
      auto known = code_numbers_.find(object);
      if (known != code_numbers_.end()) {
        owner = codes[known->second].owner;
        is_counted = codes[known->second].is_counted;
        return known->second;
      }
      if (codes.size() >= kMaxCodes) return kNone;
    }
    Gil gil;
    if (!gil) return kNone;
    Code made{text(object->co_filename), text(qualified(object)), kLibrary, false};
    std::string local = "<locals>.";
    for (size_t at; (at = made.name.find(local)) != std::string::npos;) made.name.erase(at, local.size());
    made.owner = owner = files.owner(made.file, made.name);
    made.is_counted = is_counted = made.owner == kUser && files.is_counted(made.name);
    if (owner == kGenerated) made.graph = first_argument(activation, object);
    Py_INCREF(reinterpret_cast<PyObject*>(object));
    std::lock_guard<std::mutex> guard(lock);
    auto number = static_cast<uint32_t>(codes.size());
    auto placed = code_numbers_.emplace(object, number);
    if (placed.second) codes.push_back(std::move(made));
    return placed.first->second;
  }

  // Another function is counted now.
  void count_calls_of(const std::string& name) {
    std::lock_guard<std::mutex> guard(lock);
    files.counted = name;
    for (auto& code : codes) code.is_counted = code.owner == kUser && files.is_counted(code.name);
  }

 private:
  std::unordered_map<std::string, uint32_t> name_numbers_, input_numbers_, stack_numbers_;
  std::unordered_map<PyCodeObject*, uint32_t> code_numbers_;
  std::unordered_map<Kind, uint32_t, KindHash> kind_numbers_;

  template <class Row, class Make>
  static uint32_t interned(std::unordered_map<std::string, uint32_t>& numbers, std::vector<Row>& rows,
                           const std::string& text, size_t most, Make make) {
    auto known = numbers.find(text);
    if (known != numbers.end()) return known->second;
    if (rows.size() >= most) return kNone;
    auto number = static_cast<uint32_t>(rows.size());
    rows.push_back(make(text));
    numbers.emplace(text, number);
    return number;
  }

  static PyObject* qualified(PyCodeObject* code) {
#if PY_VERSION_HEX >= 0x030B0000
    return code->co_qualname;
#else
    return code->co_name;
#endif
  }

  static std::string text(PyObject* unicode) {
    PyObject* bytes = unicode != nullptr ? PyUnicode_EncodeFSDefault(unicode) : nullptr;
    if (bytes == nullptr) {
      PyErr_Clear();
      return "?";
    }
    std::string made(PyBytes_AS_STRING(bytes), static_cast<size_t>(PyBytes_GET_SIZE(bytes)));
    Py_DECREF(bytes);
    return made;
  }

  // The caller has the lock.
  Name described(const std::string& text) {
    Name name{text, 0, "", 0};
    auto known = known_names.find(text);
    if (known != known_names.end()) name = known->second;
    name.sync = sync_number(name.wait);
    if (Files::begins(text, "autograd::engine::")) name.traits |= kIsEngine;
    else if (Files::begins(text, "Torch-Compiled Region")) name.traits |= kIsRegion;
    else if (Files::begins(text, "CompiledFunction")) name.traits |= kIsCompiled;
    else if (text == "PythonDispatchMode") name.traits |= kIsNoOp;
    else if (text.find(' ') != std::string::npos && text.find("::") == std::string::npos) name.traits |= kIsNoOp;
    return name;
  }

 public:
  // The caller has the lock.
  uint8_t sync_number(const std::string& sync) {
    for (size_t at = 0; at < syncs.size(); ++at)
      if (syncs[at] == sync) return static_cast<uint8_t>(at);
    syncs.push_back(sync);
    return static_cast<uint8_t>(syncs.size() - 1);
  }
};

}  // namespace tracedbg
