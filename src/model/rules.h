// Small rules that decide() (which refuses commands) and apply() (which refuses records) share.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "model/message.h"
#include "model/state.h"

namespace cairn::model {

// Children of one merge or unmerge. Keeps a record far below the log's frame limit, and what one
// command does small enough for a person to look over.
inline constexpr size_t kMaxMergeChildren = 10'000;

// Fingerprints of one split, for the same reasons.
inline constexpr size_t kMaxSplitFingerprints = 10'000;
inline constexpr size_t kMaxViewTitleBytes = 1024;

inline constexpr size_t kMaxTypeSlugBytes = 64;

// The field's own times and numbers (Sentry; docs/semantics.md, "The life of an issue").
inline constexpr int64_t kOngoingAfterUs = int64_t{7} * 24 * 3600 * kMicrosPerSecond;
inline constexpr int64_t kForecastLifeUs = kOngoingAfterUs;
inline constexpr uint64_t kEscalationLeastSeen = 10;  // occurrences of a new issue
inline constexpr int64_t kNoiseExpiryUs = int64_t{24} * 3600 * kMicrosPerSecond;
inline constexpr int64_t kQuotaMinutes = 60;
inline constexpr uint32_t kMaxAutoResolveHours = 24 * 365 * 10;

// What a snooze may ask for: of the first two every one is remembered.
inline constexpr uint32_t kMaxSnoozeInWindow = 10'000;  // occurrences
inline constexpr uint32_t kMaxSnoozeUsers = 10'000;
inline constexpr uint32_t kMaxSnoozeWindowMinutes = 60 * 24 * 365;

inline constexpr size_t kMaxNotes = 10'000;  // of one group, removed ones included
inline constexpr size_t kMaxNoteBytes = 64u << 10;
inline constexpr size_t kMaxPeople = 10'000;  // who bookmarked, subscribed to or saw one group
inline constexpr size_t kMaxLinks = 100;      // of one group
inline constexpr size_t kMaxLinkBytes = 2048;

// Whether a group may be in this status and substatus. Resolved has no substatus, the others must
// have one of their own.
bool substatus_fits(Status status, Substatus substatus);

// What a person means who names only the status.
Substatus usual_substatus(Status status);

// "resolved" or "unresolved/regressed", for messages.
std::string status_text(Status status, Substatus substatus);

// "user:ID" or "team:ID" with an id of 1 to 200 bytes without blanks or control characters.
bool valid_assignee(std::string_view assignee);

// Whether a title says nothing: empty or kUntitled.
bool placeholder_title(std::string_view title);

}  // namespace cairn::model
