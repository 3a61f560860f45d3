// What few groups have beside a status: what an archived one waits for, where a resolved one was
// fixed, and what people keep with an issue. Values; kept apart from Group so that the many groups
// without any of it stay small.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace cairn::model {

// What ends "archived until a condition is met": the first of those set that comes true.
struct SnoozeTerms {
  TimeUs until{};                    // zero = not by time
  uint32_t count = 0;                // occurrences from now on; 0 = not by count
  uint32_t window_minutes = 0;       // of `count`: so many within such a time; 0 = in all
  uint32_t users = 0;                // distinct users from now on; 0 = not by users
  uint32_t user_window_minutes = 0;  // of `users`

  bool empty() const { return until == TimeUs{} && count == 0 && users == 0; }
  bool operator==(const SnoozeTerms&) const = default;
};

// The terms and how far they have come. Only the group's own occurrences count.
struct Snooze {
  SnoozeTerms terms;
  uint64_t seen = 0;                                // occurrences since, without a window
  std::vector<TimeUs> recent;                       // record times of those within the window
  std::vector<std::pair<uint64_t, TimeUs>> people;  // hash of a user, record time last seen
  bool operator==(const Snooze&) const = default;
};

enum class ResolutionKind : uint8_t {
  Now = 0,        // any later occurrence is a regression
  InRelease,      // `version` has the fix
  InNextRelease,  // the release after `version`, the newest one when it was said ("" = none yet)
  InCommit,       // `version` is the commit; holds until a release with it is known
};
std::string_view resolution_name(ResolutionKind kind);  // now, in_release, in_next_release ...
struct Resolution {
  ResolutionKind kind = ResolutionKind::Now;
  std::string version;
  bool operator==(const Resolution&) const = default;
};

// How many occurrences an hour are expected at most of an issue archived until it escalates.
struct Forecast {
  TimeUs made{};
  std::vector<uint32_t> ceilings;  // by day from `made`; the last one goes on. Empty = none known
  int64_t hour = 0;                // the hour (record time / 3600 s) that `in_hour` counts
  uint32_t in_hour = 0;
  bool operator==(const Forecast&) const = default;
};

struct Note {
  uint32_t number = 0;  // of the group's notes, from 1, never given again
  std::string author;   // "" = the system
  std::string text;
  TimeUs time{};    // when it was written
  TimeUs edited{};  // zero = never
  bool operator==(const Note&) const = default;
};

struct ExternalLink {
  std::string url;
  std::string title;  // may be empty
  bool operator==(const ExternalLink&) const = default;
};

// An occurrence of a hidden group that reopened a resolved view above it.
struct Reopened {
  GroupId by{};
  Lsn lsn{};
  TimeUs time{};          // record time
  bool reviewed = false;  // somebody looked at it since
  std::string release{};  // of the occurrence; "" = none
  bool operator==(const Reopened&) const = default;
};

// Of the releases a group regressed in so many are kept, the latest ones.
inline constexpr size_t kMaxRegressedIn = 64;

struct Care {
  GroupId id{};
  std::optional<Snooze> snooze{};
  std::optional<Resolution> resolution{};
  std::optional<Forecast> forecast{};
  // Of a view: dropped with the member that caused it, so that an unmerge leaves no trace.
  std::vector<Reopened> reopened{};
  // Releases whose occurrences reopened the group itself; each once, the latest last.
  std::vector<std::string> regressed_in{};
  std::vector<Note> notes{};  // by number
  uint32_t last_note = 0;
  std::vector<std::string> bookmarked_by{};  // sorted, as the next two
  std::vector<std::string> subscribed_by{};
  std::vector<std::pair<std::string, TimeUs>> seen{};  // by whom, when last
  std::vector<ExternalLink> links{};                   // in order of adding

  bool empty() const { return *this == Care{.id = id}; }
  bool operator==(const Care&) const = default;
};

}  // namespace cairn::model
