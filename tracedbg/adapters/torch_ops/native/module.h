// What Python sees of the observer.

PyObject* fail(const char* text) {
  PyErr_SetString(PyExc_RuntimeError, text);
  return nullptr;
}

bool put_texts(PyObject* dict, const char* key, std::vector<std::string>& into) {
  PyObject* given = PyDict_GetItemString(dict, key);
  if (given == nullptr || !PyTuple_Check(given)) return false;
  into.clear();
  for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(given); ++at) {
    PyObject* bytes = PyUnicode_EncodeFSDefault(PyTuple_GET_ITEM(given, at));
    if (bytes == nullptr) return false;
    into.emplace_back(PyBytes_AS_STRING(bytes));
    Py_DECREF(bytes);
  }
  return true;
}

PyObject* py_set_files(PyObject*, PyObject* given) {
  Files files;
  std::vector<std::string> runtime;
  if (!PyDict_Check(given) || !put_texts(given, "library_begins", files.library_begins) ||
      !put_texts(given, "library_parts", files.library_parts) ||
      !put_texts(given, "generated_begins", files.generated_begins) ||
      !put_texts(given, "generated_parts", files.generated_parts) ||
      !put_texts(given, "compiler_ends", files.compiler_ends) || !put_texts(given, "ours", files.ours) ||
      !put_texts(given, "methods", files.methods) ||
      !put_texts(given, "runtime_name", runtime) || runtime.size() != 1)
    return PyErr_Occurred() ? nullptr : fail("a list of files is missing");
  files.runtime_name = runtime[0];
  std::lock_guard<std::mutex> guard(tables().lock);
  tables().files = files;
  Py_RETURN_NONE;
}

// `set_names({name: (what makes the host wait, traits)})`
PyObject* py_set_names(PyObject*, PyObject* given) {
  PyObject *key, *value;
  Py_ssize_t at = 0;
  std::unordered_map<std::string, Name> known;
  while (PyDict_Check(given) && PyDict_Next(given, &at, &key, &value)) {
    const char *name, *sync;
    unsigned short traits;
    if ((name = PyUnicode_AsUTF8(key)) == nullptr || !PyArg_ParseTuple(value, "sH", &sync, &traits)) return nullptr;
    known[name] = Name{name, traits, sync};
  }
  std::lock_guard<std::mutex> guard(tables().lock);
  tables().known_names = std::move(known);
  Py_RETURN_NONE;
}

PyObject* py_owner(PyObject*, PyObject* args) {
  PyObject *file, *name;
  if (!PyArg_ParseTuple(args, "O&O&", PyUnicode_FSConverter, &file, PyUnicode_FSConverter, &name)) return nullptr;
  Owner owner = tables().files.owner(PyBytes_AS_STRING(file), PyBytes_AS_STRING(name));
  Py_DECREF(file);
  Py_DECREF(name);
  return PyLong_FromLong(owner);
}

PyObject* py_check(PyObject*, PyObject* wanted) {
  is_layout_known = PyObject_IsTrue(wanted) && check_layout();
  return PyBool_FromLong(is_layout_known);
}

PyObject* py_start(PyObject*, PyObject*) {
  if (is_on.load()) return fail("it is on already");
  epoch.fetch_add(1);
  is_on.store(true);
  handle = at::addGlobalCallback(at::RecordFunctionCallback(on_start, on_end)
                                     .needsInputs(true)
                                     .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION,
                                              at::RecordScope::TORCHSCRIPT_FUNCTION}));
  Py_RETURN_NONE;
}

PyObject* py_stop(PyObject*, PyObject*) {
  if (is_on.load()) {
    at::removeCallback(handle);
    is_on.store(false);
  }
  is_window_open.store(false);
  window_begin.store(0);
  window_end.store(0);
  end_call.store(0);
  tables().count_calls_of("");
  epoch.fetch_add(1);
  Py_RETURN_NONE;
}

PyObject* py_open_window(PyObject*, PyObject* is_open) {
  is_window_open.store(PyObject_IsTrue(is_open) == 1);
  Py_RETURN_NONE;
}

PyObject* py_window_of_time(PyObject*, PyObject* args) {
  long long begin_ns, end_ns;
  if (!PyArg_ParseTuple(args, "LL", &begin_ns, &end_ns)) return nullptr;
  window_begin.store(ticks->ticks_at(begin_ns));
  window_end.store(ticks->ticks_at(end_ns));
  Py_RETURN_NONE;
}

PyObject* py_window_of_calls(PyObject*, PyObject* args) {
  const char* name;
  long long first, last;
  PyObject* mark;
  if (!PyArg_ParseTuple(args, "sLLO", &name, &first, &last, &mark)) return nullptr;
  Py_INCREF(mark);
  Py_XSETREF(call_mark, mark);
  calls.store(0);
  first_call.store(first);
  end_call.store(last);
  tables().count_calls_of(name);
  epoch.fetch_add(1);
  Py_RETURN_NONE;
}

PyObject* py_keep_rows(PyObject*, PyObject* most) {
  long long number = PyLong_AsLongLong(most);
  if (number == -1 && PyErr_Occurred()) return nullptr;
  rows_left.store(number);
  left_out.store(0);
  Py_RETURN_NONE;
}

// A method of a tensor that is no op, as one: `begin_method(name)`, and `end_method()` if that was true.
PyObject* py_begin_method(PyObject*, PyObject* name) {
  const char* text = PyUnicode_AsUTF8(name);
  if (text == nullptr) return nullptr;
  Thread* thread = is_on.load() ? ready() : nullptr;
  if (thread == nullptr) Py_RETURN_FALSE;
  Busy busy(*thread);
  size_t before = thread->open.size();
  for (const auto& one : thread->open)
    if (one.is_sync) Py_RETURN_FALSE;
  try {
    begin(*thread, nullptr, text);
  } catch (...) {
  }
  return PyBool_FromLong(thread->open.size() > before);
}

PyObject* py_end_method(PyObject*, PyObject*) {
  Thread* thread = threads().own();
  if (thread != nullptr && !thread->is_busy) {
    Busy busy(*thread);
    for (size_t at = thread->open.size(); at-- > 0;)
      if (thread->open[at].is_method) {
        end(*thread, at);
        break;
      }
  }
  Py_RETURN_NONE;
}

PyObject* as_text(const std::string& text) {
  return PyUnicode_DecodeFSDefaultAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
}

// What is new in the tables: `(kinds, stacks, codes)` from those numbers on.
PyObject* py_learn(PyObject*, PyObject* args) {
  Py_ssize_t kinds_from, stacks_from, codes_from;
  if (!PyArg_ParseTuple(args, "nnn", &kinds_from, &stacks_from, &codes_from)) return nullptr;
  struct KindRow {
    std::string name, inputs;
    uint32_t stack;
    uint8_t flags;
    std::string sync;
  };
  std::vector<KindRow> kinds;
  std::vector<std::vector<StackFrame>> stacks;
  std::vector<Code> codes;
  {
    Tables& all = tables();
    std::lock_guard<std::mutex> guard(all.lock);
    for (size_t at = kinds_from; at < all.kinds.size(); ++at) {
      const Kind& kind = all.kinds[at];
      kinds.push_back({all.names[kind.name].text, all.inputs[kind.inputs], kind.stack, kind.flags,
                       all.syncs[kind.sync]});
    }
    for (size_t at = stacks_from; at < all.stacks.size(); ++at) stacks.push_back(all.stacks[at]);
    for (size_t at = codes_from; at < all.codes.size(); ++at) codes.push_back(all.codes[at]);
  }
  PyObject* made = Py_BuildValue("([][][])");
  if (made == nullptr) return nullptr;
  auto put = [made](int list, PyObject* row) {
    if (row == nullptr) return false;
    bool is_fine = PyList_Append(PyTuple_GET_ITEM(made, list), row) == 0;
    Py_DECREF(row);
    return is_fine;
  };
  bool is_fine = true;
  for (const auto& kind : kinds)
    is_fine = is_fine && put(0, Py_BuildValue("(NNIIs)", as_text(kind.name), as_text(kind.inputs), kind.stack,
                                              static_cast<unsigned>(kind.flags), kind.sync.c_str()));
  for (const auto& stack : stacks) {
    PyObject* frames = PyTuple_New(static_cast<Py_ssize_t>(stack.size()));
    for (size_t at = 0; frames != nullptr && at < stack.size(); ++at)
      PyTuple_SET_ITEM(frames, static_cast<Py_ssize_t>(at), Py_BuildValue("(Ii)", stack[at].code, stack[at].line));
    is_fine = is_fine && put(1, frames);
  }
  for (const auto& code : codes)
    is_fine = is_fine && put(2, Py_BuildValue("(NNO)", as_text(code.file), as_text(code.name),
                                              code.graph != nullptr ? code.graph : Py_None));
  if (is_fine) return made;
  Py_DECREF(made);
  return nullptr;
}

PyObject* column(const std::vector<int64_t>& values) {
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(values.data()),
                                   static_cast<Py_ssize_t>(values.size() * sizeof(int64_t)));
}

// What was counted since the last call: `((kind, thread, count, total, self, longest), (kind, thread, start,
// duration), executions left out)`; columns are bytes of 64-bit integers.
PyObject* py_take(PyObject*, PyObject*) {
  std::vector<int64_t> totals[6], columns[4];
  const double ns = ticks->ns_per_tick();
  auto as_ns = [ns](int64_t value) { return static_cast<int64_t>(static_cast<double>(value) * ns); };
  {
    Threads& all = threads();
    std::lock_guard<std::mutex> guard(all.lock);
    for (size_t at = 0; at < all.all.size();) {
      Thread* one = all.all[at];
      bool has_ended = one->has_ended.load();
      std::vector<Row> rows;
      {
        std::lock_guard<SpinLock> own(one->lock);
        for (uint32_t number : one->touched) {
          Slot& slot = one->slots[number];
          totals[0].push_back(slot.kind);
          totals[1].push_back(static_cast<int64_t>(one->ident));
          totals[2].push_back(slot.count);
          totals[3].push_back(as_ns(slot.total));
          totals[4].push_back(as_ns(slot.self));
          totals[5].push_back(as_ns(slot.longest));
          slot.count = slot.total = slot.self = slot.longest = 0;
        }
        one->touched.clear();
        rows.swap(one->rows);
      }
      std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.start < b.start; });
      for (const auto& row : rows) {
        columns[0].push_back(row.kind);
        columns[1].push_back(static_cast<int64_t>(one->ident));
        columns[2].push_back(ticks->moment_ns(row.start, ns));
        columns[3].push_back(as_ns(row.duration));
      }
      if (has_ended) {
        delete one;
        all.all.erase(all.all.begin() + static_cast<std::ptrdiff_t>(at));
      } else {
        ++at;
      }
    }
  }
  return Py_BuildValue("((NNNNNN)(NNNN)L)", column(totals[0]), column(totals[1]), column(totals[2]),
                       column(totals[3]), column(totals[4]), column(totals[5]), column(columns[0]),
                       column(columns[1]), column(columns[2]), column(columns[3]),
                       static_cast<long long>(left_out.exchange(0)));
}

PyMethodDef methods[] = {
    {"set_files", py_set_files, METH_O, "Say which files are whose; before `start`."},
    {"set_names", py_set_names, METH_O, "Say what is known of ops by their names; before `start`."},
    {"owner", py_owner, METH_VARARGS, "Whose code a file's function is."},
    {"check", py_check, METH_O, "Whether frames are read as they stand, if that is wanted."},
    {"start", py_start, METH_NOARGS, "See every op from now on."},
    {"stop", py_stop, METH_NOARGS, "See none any more."},
    {"open_window", py_open_window, METH_O, "Keep single executions, or keep none."},
    {"window_of_time", py_window_of_time, METH_VARARGS, "Keep those that begin between two times."},
    {"window_of_calls", py_window_of_calls, METH_VARARGS, "Keep those in some calls of a function."},
    {"keep_rows", py_keep_rows, METH_O, "Keep at most so many single executions."},
    {"begin_method", py_begin_method, METH_O, "A method of a tensor begins."},
    {"end_method", py_end_method, METH_NOARGS, "It ends."},
    {"learn", py_learn, METH_VARARGS, "Kinds, stacks and codes from these numbers on."},
    {"take", py_take, METH_NOARGS, "What was counted since the last time."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_tracedbg_torch_ops", nullptr, -1, methods,
                          nullptr, nullptr, nullptr, nullptr};
