// A clock that costs a third of the system's: the processor's own counter where the system itself trusts it,
// told in nanoseconds of the monotonic clock.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace tracedbg {

inline int64_t monotonic_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

class Clock {
 public:
  Clock() : is_counter_(trusts_counter()) { start_ns_ = monotonic_ns(), start_ = now(); }

  // In ticks.
  int64_t now() const {
#if defined(__x86_64__)
    if (is_counter_) return static_cast<int64_t>(__rdtsc());
#endif
    return monotonic_ns();
  }

  // Nanoseconds in a tick, by all of the time since the clock was made; at least some milliseconds of it.
  double ns_per_tick() const {
    if (!is_counter_) return 1.0;
    int64_t ns, ticks;
    do {
      ns = monotonic_ns() - start_ns_, ticks = now() - start_;
    } while (ns < kLeast);
    return static_cast<double>(ns) / static_cast<double>(std::max<int64_t>(ticks, 1));
  }

  int64_t moment_ns(int64_t ticks, double ns_per_tick) const {
    if (!is_counter_) return ticks;
    return start_ns_ + static_cast<int64_t>(static_cast<double>(ticks - start_) * ns_per_tick);
  }

  int64_t ticks_at(int64_t ns) const {
    if (!is_counter_) return ns;
    return start_ + static_cast<int64_t>(static_cast<double>(ns - start_ns_) / ns_per_tick());
  }

 private:
  static constexpr int64_t kLeast = 5'000'000;
  bool is_counter_;
  int64_t start_ns_ = 0, start_ = 0;

  static bool trusts_counter() {
#if defined(__x86_64__)
    char name[32] = "";
    if (FILE* file = std::fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "r")) {
      if (std::fgets(name, sizeof name, file) == nullptr) name[0] = 0;
      std::fclose(file);
    }
    return std::strcmp(name, "tsc\n") == 0;
#else
    return false;
#endif
  }
};

inline const Clock& clock() {
  static const Clock one;
  return one;
}

}  // namespace tracedbg
