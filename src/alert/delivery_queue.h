// What is sent next to one destination of notifications, and when: at least once each, those of one
// series (an incident) in order, again after a failure, given up at last. Pure: the time comes in
// with each call, jitter comes from the key.
//
// A letter is taken over (add), sent (next), and has a result (done). What is durable is a cursor:
// how far the log was read, and which letters before that are still open. Letters under way and
// results that are in no durable cursor yet count together against `parallel`, so that a crash
// repeats at most so many.
//
// Thread: one at a time. Time of a call: logarithmic in the window.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "alert/notification.h"
#include "base/ids.h"

namespace cairn::alert {

inline constexpr uint32_t kLastOrdinal = UINT32_MAX;

// A notification as it is sent.
struct Letter {
  NotificationPlace place;
  TimeUs at{};
  std::string id;      // the same whenever it is sent
  std::string series;  // those of one go one after the other
  std::string body;
};

struct DeliveryPolicy {
  uint32_t window = 1000;   // letters taken over and not done
  uint32_t parallel = 4;    // see above
  uint32_t probing = 8;     // so many failures in a row: one at a time until one goes well
  uint32_t attempts = 150;  // then it is given up
  int64_t first_wait_us = 5 * kMicrosPerSecond;     // after a failure; doubled with each
  int64_t most_wait_us = 600 * kMicrosPerSecond;    // up to this
  int64_t most_told_us = 3600 * kMicrosPerSecond;   // of what the other side may ask for
  int64_t give_up_us = 86'400 * kMicrosPerSecond;   // after the first attempt of this process
  int64_t most_age_us = 86'400 * kMicrosPerSecond;  // older ones are not taken over
};

struct DeliveryCursor {
  NotificationPlace read_to;              // all up to here was taken over,
  std::vector<NotificationPlace> open{};  // and is done, but for these; ascending
  bool operator==(const DeliveryCursor&) const = default;
};

enum class Verdict : uint8_t {
  Delivered,
  Failed,   // may go well later
  Refused,  // will not
};
struct Attempt {
  Verdict verdict = Verdict::Failed;
  std::optional<int64_t> told_wait_us{};  // the other side asked for it (Retry-After)
};
enum class Fate : uint8_t {
  Done,
  Again,  // next() brings it once more
  Dead,   // given up: call buried() when that is written down
};

class DeliveryQueue {
 public:
  DeliveryQueue(const DeliveryPolicy& policy, DeliveryCursor from);

  // Where to read on.
  const NotificationPlace& read_to() const { return reading_; }
  // So many letters may be added now.
  size_t room() const;
  struct Added {
    uint64_t taken = 0;
    uint64_t old = 0;   // beyond most_age_us: skipped
    uint64_t gone = 0;  // open for an earlier process, and no longer in the store
  };
  // Letters behind read_to(), ascending, and the place up to which there are no others; what an
  // earlier process has done is left out. Precondition: at most room().
  Added add(std::vector<Letter> letters, const NotificationPlace& up_to, TimeUs now);

  // The letter to send now, oldest first, which is under way then; nullptr: none. It stays where it
  // is until it is done.
  const Letter* next(TimeUs now);
  // When time alone lets next() find one; nullopt: it does not.
  std::optional<TimeUs> wake() const;
  // Precondition: next() gave it.
  Fate done(const NotificationPlace& place, const Attempt& attempt, TimeUs now);
  // Precondition: its fate was Dead.
  void buried(const NotificationPlace& place);

  // Precondition: it is open.
  const Letter& letter(const NotificationPlace& place) const;
  uint32_t attempts(const NotificationPlace& place) const;  // so far
  // Until it is sent again. Precondition: its fate was Again.
  TimeUs next_attempt(const NotificationPlace& place) const;

  // To be made durable; then saved(true), or saved(false) if that failed. Results that come between
  // the two wait for the next one.
  DeliveryCursor cursor();
  bool unsaved() const { return changed_; }
  void saved(bool durable);

  size_t open() const { return entries_.size(); }  // taken over and not done
  size_t under_way() const { return under_way_; }
  std::optional<TimeUs> oldest() const;  // of what is open

 private:
  enum class Stage : uint8_t { Waiting, UnderWay, Dying };
  struct Entry {
    Letter letter;
    Stage stage = Stage::Waiting;
    uint32_t attempts = 0;
    TimeUs first{};  // attempt
    TimeUs due{};    // of the next one
  };
  void make_ready(Entry& entry);
  int64_t wait_of(const Entry& entry) const;
  void finish(const NotificationPlace& place);

  const DeliveryPolicy policy_;
  NotificationPlace reading_;
  // Open ones of an earlier process that have not come by yet, up to the place it had read to.
  std::set<NotificationPlace> recovering_;
  NotificationPlace recovered_to_;

  std::map<NotificationPlace, Entry> entries_;
  std::unordered_map<std::string, std::deque<NotificationPlace>> series_;
  std::set<std::pair<TimeUs, NotificationPlace>> later_;  // first of their series, not due
  std::set<NotificationPlace> ready_;                     // first of their series, due
  std::set<std::pair<TimeUs, NotificationPlace>> ages_;
  TimeUs paused_until_{};
  uint32_t failures_ = 0;  // in a row
  size_t under_way_ = 0;
  size_t unrecorded_ = 0;  // done, and in no durable cursor
  size_t recording_ = 0;   // of these, in the cursor that is being made durable
  bool changed_ = false;
};

}  // namespace cairn::alert
