// What one answer may use, and whether somebody still wants it: asked between blocks of work by
// every stage, from binding to the last row. Once it says stop it goes on saying so, and what a
// stage leaves behind then is thrown away by check().
//
// Thread: that of the answer; only `cancelled` of the control may be set by others.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "base/clock.h"
#include "base/result.h"

namespace cairn::query {

struct Profile;

// 0 = as much as it takes.
struct Budget {
  int64_t time_us = 0;
  uint64_t memory_bytes = 0;   // held at a time: bitmaps, rows and sets; not mapped pages
  uint64_t rows_examined = 0;  // occurrences whose values are read one by one
  uint64_t rows_returned = 0;
};

// How an answer is watched. Everything is borrowed and may be nullptr.
struct Control {
  Budget budget{};
  Clock* clock = nullptr;                        // for budget.time_us and the times of a profile
  const std::atomic<bool>* cancelled = nullptr;  // any thread may set it
  Profile* profile = nullptr;                    // filled while answering
  uint32_t steps_per_look = 16;                  // at the clock: a step is a thousand values or so
};

class Meter {
 public:
  explicit Meter(const Control& control);
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  // Before so many values are read: false = stop.
  bool spend(uint64_t rows) {
    examined_ += rows;
    if (rows_left_ < rows) {
      stop(Stop::Rows);
    } else {
      rows_left_ -= rows;
    }
    return go_on();
  }
  // A step of other work: false = stop.
  bool go_on() {
    if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) stop(Stop::Cancelled);
    if (++steps_ >= next_look_) look_at_time();
    return stopped_ == Stop::None;
  }
  bool stopped() const { return stopped_ != Stop::None; }

  void hold(uint64_t bytes);
  void release(uint64_t bytes) { held_ -= bytes; }
  void returned(uint64_t rows);

  // Looks at everything now. Closed: cancelled. Exhausted: which limit, and what to do about it.
  Result<void> check();

  TimeUs now() const { return control_.clock == nullptr ? TimeUs{} : control_.clock->now(); }
  Profile* profile() const { return control_.profile; }
  uint64_t examined() const { return examined_; }
  uint64_t most_held() const { return most_held_; }

 private:
  enum class Stop : uint8_t { None, Cancelled, Time, Memory, Rows, Returned };

  void stop(Stop why) {
    if (stopped_ == Stop::None) stopped_ = why;
  }
  void look_at_time();

  const Control control_;
  const std::atomic<bool>* const cancelled_;
  TimeUs begin_{};
  Stop stopped_ = Stop::None;
  uint64_t rows_left_;
  uint64_t examined_ = 0;
  uint64_t steps_ = 0;
  uint64_t next_look_;
  uint64_t held_ = 0;
  uint64_t most_held_ = 0;
};

// Memory that is given back when it ends. The meter is borrowed and may be nullptr. What was moved
// from holds nothing.
class Holding {
 public:
  explicit Holding(Meter* meter) : meter_(meter) {}
  ~Holding() { give_back(); }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;
  Holding(Holding&& other) noexcept
      : meter_(other.meter_), bytes_(std::exchange(other.bytes_, 0)) {}
  Holding& operator=(Holding&& other) noexcept {
    if (this == &other) return *this;
    give_back();
    meter_ = other.meter_;
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
  }

  // What is held from now on.
  void set(uint64_t bytes) {
    if (meter_ == nullptr) return;
    if (bytes >= bytes_) {
      meter_->hold(bytes - bytes_);
    } else {
      meter_->release(bytes_ - bytes);
    }
    bytes_ = bytes;
  }
  void add(uint64_t bytes) { set(bytes_ + bytes); }

 private:
  void give_back() {
    if (meter_ != nullptr) meter_->release(bytes_);
  }

  Meter* meter_;
  uint64_t bytes_ = 0;
};

// For who may be without a meter.
inline bool go_on(Meter* meter) { return meter == nullptr || meter->go_on(); }
inline bool stopped(const Meter* meter) { return meter != nullptr && meter->stopped(); }
inline Result<void> check(Meter* meter) {
  return meter == nullptr ? Result<void>() : meter->check();
}

// "256 MiB", "5 s": limits as messages tell them.
std::string format_limit_bytes(uint64_t bytes);
std::string format_limit_time(int64_t us);

}  // namespace cairn::query
