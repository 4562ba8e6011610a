// What one thread has under way, and its totals. All of a thread's own, but for what `lock` guards: the
// teller takes it from there.
#pragma once

#include <ATen/record_function.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>

#include "tables.h"

namespace tracedbg {

constexpr size_t kMaxOpen = 1024, kMaxCached = 1 << 15, kRingSize = 1 << 16, kMaxRings = 256;

// Numbers by hash; forgets everything when it is full.
class HashCache {
 public:
  const uint64_t* find(uint64_t hash) const {
    if (cells_.empty()) return nullptr;
    for (size_t at = hash & mask_;; at = (at + 1) & mask_) {
      if (cells_[at].hash == hash) return &cells_[at].value;
      if (cells_[at].hash == 0) return nullptr;
    }
  }
  void put(uint64_t hash, uint64_t value) {
    if (cells_.empty() || count_ * 2 >= cells_.size()) grow();
    size_t at = hash & mask_;
    while (cells_[at].hash != 0) at = (at + 1) & mask_;
    cells_[at] = {hash, value};
    ++count_;
  }
  void clear() {
    cells_.clear();
    count_ = 0;
  }

 private:
  struct Cell {
    uint64_t hash = 0, value = 0;
  };
  std::vector<Cell> cells_;
  size_t mask_ = 0, count_ = 0;

  void grow() {
    std::vector<Cell> before;
    before.swap(cells_);
    bool is_full = before.size() >= kMaxCached * 2;
    cells_.resize(before.empty() ? 64 : is_full ? before.size() : before.size() * 2);
    mask_ = cells_.size() - 1;
    count_ = 0;
    if (is_full) return;
    for (const auto& cell : before)
      if (cell.hash != 0) put(cell.hash, cell.value);
  }
};

enum PlaceFlags : uint8_t { kInGenerated = 1, kLeaveOut = 2, kCounted = 4 };

// Where an op is called from: a stack of the user's, and what else is on the thread's.
struct Place {
  uint32_t stack = kNone;
  uint8_t flags = 0;
};

// An op that is under way.
struct Open {
  const at::RecordFunction* function;
  Spot spot;
  Place place;      // of the op itself: in a backward that of its forward
  uint32_t walked;  // the stack that Python is on
  uint32_t slot;
  uint16_t traits;
  bool is_shown, is_backward, is_traced, is_sync, is_script, is_method, is_in_window;
  int64_t start, inner, apart;
};

// Times are ticks of `Clock`.
struct Slot {
  uint32_t kind;
  int64_t count, total, self, longest;
};

struct Row {
  uint32_t kind;
  int64_t start, duration;
};

// The stacks of one thread's forward ops by the numbers that autograd gave them; the last ones.
struct Ring {
  std::atomic<uint64_t> thread{0};
  std::array<std::atomic<uint64_t>, kRingSize> cells{};

  void put(int64_t number, uint32_t stack) {
    cells[static_cast<size_t>(number) % kRingSize].store(
        (static_cast<uint64_t>(static_cast<uint32_t>(number)) << 32) | stack, std::memory_order_relaxed);
  }
  uint32_t find(int64_t number) const {
    uint64_t cell = cells[static_cast<size_t>(number) % kRingSize].load(std::memory_order_relaxed);
    return static_cast<uint32_t>(cell >> 32) == static_cast<uint32_t>(number) ? static_cast<uint32_t>(cell) : kNone;
  }
};

// Held for some nanoseconds by its thread, and now and then by the teller: a mutex costs twice as much.
class SpinLock {
 public:
  void lock() {
    while (is_held_.exchange(true, std::memory_order_acquire)) sched_yield();
  }
  void unlock() { is_held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> is_held_{false};
};

constexpr int kNameBits = 10;

struct KnownName {
  const char* text = nullptr;
  uint32_t number = 0;
};

struct Thread {
  SpinLock lock;  // of the next three, and nothing else is done while it is held
  std::vector<Slot> slots;
  std::vector<uint32_t> touched;  // slots that have counted since they were told
  std::vector<Row> rows;

  uint64_t ident = 0;    // as `threading.get_ident` has it
  uint64_t logical = 0;  // as autograd has it
  uint32_t epoch = 0;
  bool is_busy = false;  // in a callback: what is run by that is not looked at
  std::atomic<bool> has_ended{false};
  std::vector<Open> open;
  HashCache stacks, inputs, kinds;
  std::unordered_map<uint32_t, uint32_t> slot_numbers;  // of kinds
  std::array<KnownName, 1 << kNameBits> names{};  // of those that were looked for last
  bool has_node = false;  // whether the last op was a node of a backward, or what the engine does around it
  Spot node_spot;
  uint32_t node_stack = kNone;
  Ring* ring = nullptr;
  Ring* forward = nullptr;  // the one looked at last
  std::string words;        // a buffer

  void forget() {
    open.clear();
    has_node = false;
    stacks.clear();
    inputs.clear();
    kinds.clear();
  }
};

// All threads that have run ops, and the rings of those that ran forwards. Never destroyed.
class Threads {
 public:
  std::mutex lock;
  std::vector<Thread*> all;

  Thread* own();

  Ring* ring_of(Thread& thread) {
    std::lock_guard<std::mutex> guard(lock);
    if (rings_.size() < kMaxRings) {
      rings_.push_back(new Ring);
      rings_.back()->thread.store(thread.logical);
      return rings_.back();
    }
    Ring* oldest = rings_[next_++ % kMaxRings];
    for (auto* one : all)
      if (one->ring == oldest) one->ring = nullptr;
    for (auto& cell : oldest->cells) cell.store(~0ull, std::memory_order_relaxed);
    oldest->thread.store(thread.logical);
    return oldest;
  }

  Ring* ring_by(uint64_t logical) {
    std::lock_guard<std::mutex> guard(lock);
    for (auto* ring : rings_)
      if (ring->thread.load() == logical) return ring;
    return nullptr;
  }

 private:
  std::vector<Ring*> rings_;
  size_t next_ = 0;
};

inline Tables& tables() {
  static auto* one = new Tables;
  return *one;
}

inline Threads& threads() {
  static auto* one = new Threads;
  return *one;
}

inline thread_local bool has_thread_ended = false;

struct Holder {
  Thread* thread = nullptr;
  ~Holder() {
    has_thread_ended = true;
    if (thread != nullptr) thread->has_ended.store(true);
  }
};

inline Thread* Threads::own() {
  if (has_thread_ended) return nullptr;
  static thread_local Holder holder;
  if (holder.thread != nullptr) return holder.thread;
  auto* made = new Thread;
  made->ident = static_cast<uint64_t>(pthread_self());
  made->logical = at::RecordFunction::currentThreadId();
  std::lock_guard<std::mutex> guard(lock);
  all.push_back(made);
  holder.thread = made;
  return made;
}

// --- fork: the locks are whole in the child, and what was counted stays the parent's ---------------

inline void before_fork() {
  tables().lock.lock();
  threads().lock.lock();
  for (auto* one : threads().all) one->lock.lock();
}
inline void after_fork_in_parent() {
  for (auto* one : threads().all) one->lock.unlock();
  threads().lock.unlock();
  tables().lock.unlock();
}
inline void after_fork_in_child() {
  for (auto* one : threads().all) {
    for (auto& slot : one->slots) slot.count = slot.total = slot.self = slot.longest = 0;
    one->touched.clear();
    one->rows.clear();
    if (one->ident != static_cast<uint64_t>(pthread_self())) one->has_ended.store(true);
  }
  after_fork_in_parent();
}

}  // namespace tracedbg
