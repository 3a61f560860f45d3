// When a target gets its digests: the first record is delivered at once; then nothing for
// minimum_delay, which each further record extends by increment_delay, up to maximum_delay after
// the delivery before. Once a wait passes without a record, the next one is delivered at once
// again.
//
// What is due is a pure function of the last delivery and the records since, so that only
// deliveries have to be saved: records are read again from the log (Notification) after a restart.
// Saved between begin() and the sending, and after finish(), nothing is lost, and a crash in
// between sends one digest again, with the same records and time.
//
// Values; thread: one at a time. Nothing here knows a clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "alert/notification.h"
#include "base/ids.h"
#include "base/result.h"
#include "model/json_tree.h"

namespace cairn::alert {

// The field's defaults.
struct DigestDelays {
  int64_t minimum_us = 300 * kMicrosPerSecond;
  int64_t increment_us = 30 * kMicrosPerSecond;
  int64_t maximum_us = 1800 * kMicrosPerSecond;
  bool operator==(const DigestDelays&) const = default;
};
inline constexpr int64_t kMaxDigestDelayUs = 7 * 24 * 3600 * kMicrosPerSecond;
// Errors: InvalidArgument (negative, a maximum below the minimum, beyond kMaxDigestDelayUs).
Result<void> check_delays(const DigestDelays& delays);

// One digest: the target's records later than `after`, up to `through`.
struct DigestSpan {
  NotificationPlace after;
  NotificationPlace through;
  TimeUs at{};           // when it was begun
  uint64_t records = 0;  // at least 1
  bool operator==(const DigestSpan&) const = default;
};

class DigestTimeline {
 public:
  // Precondition: check_delays(). Nothing up to `from` belongs to it.
  DigestTimeline(const DigestDelays& delays, NotificationPlace from)
      : delays_(delays), delivered_(from), taken_(from) {}

  // Records up to here are taken: what follows in the log is to be added.
  NotificationPlace taken() const { return taken_; }
  // The next record of the target. False: it, or a later one, was taken before; nothing changes.
  bool add(NotificationPlace place, TimeUs at);
  // Nothing up to here, beyond what was added, is the target's.
  void pass(NotificationPlace place);

  uint64_t waiting() const { return records_; }  // records of the next digest
  // When the next digest may go; of the very first one, its record's time. nullopt: no records.
  std::optional<TimeUs> due() const;
  // The digest to deliver now: one begun before, or the next one, which is begun with this, if it
  // is due. One that is more than maximum_delay away is due: the clock went back.
  std::optional<DigestSpan> begin(TimeUs now);
  // The digest begun was delivered. Precondition: there is one.
  void finish();
  bool begun() const { return begun_.has_value(); }

  // What has to outlive a restart. Reading it takes other delays, too.
  std::string to_json() const;
  // Errors: InvalidArgument, of the text of to_json() that something changed.
  static Result<DigestTimeline> parse(const DigestDelays& delays, std::string_view json);
  // The same of a value within a larger text. Precondition: the tree keeps 3 levels below it.
  static Result<DigestTimeline> read(const DigestDelays& delays, model::JsonValue object);

 private:
  // The delivery that the records waiting came after.
  std::optional<TimeUs> last() const { return begun_ ? begun_->at : last_; }

  DigestDelays delays_;
  NotificationPlace delivered_;  // digests up to here are delivered
  std::optional<TimeUs> last_;   // delivery; nullopt: never yet
  std::optional<DigestSpan> begun_;
  NotificationPlace taken_;
  uint64_t records_ = 0;  // after begun_, or after delivered_
  TimeUs due_{};          // of these
};

}  // namespace cairn::alert
