// What the state keeps of projects, groups and fingerprints. Values; state.h folds them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/id_list.h"
#include "base/ids.h"
#include "base/text.h"
#include "model/record.h"
#include "model/workflow.h"

namespace cairn::model {

// Title of a group whose occurrences have neither a title nor a culprit.
inline constexpr std::string_view kUntitled = "<untitled>";

struct Project {
  // Groups made in a minute (record time / 60 s), for the creation quota of a type.
  struct Made {
    uint32_t type = 0;
    int64_t minute = 0;
    uint32_t groups = 0;
    bool operator==(const Made&) const = default;
  };
  ProjectId id{};
  std::string slug;  // default "P<id>"
  FingerprintPolicy policy = FingerprintPolicy::First;
  uint32_t last_number = 0;           // of the newest group's short id; only grows
  uint32_t auto_resolve_hours = 0;    // 0 = never
  uint32_t escalation_threshold = 0;  // occurrences an hour of a new group; 0 = none
  bool hold_back = false;             // noise reduction and creation quotas apply
  std::vector<Made> made{};           // of the last hour, while hold_back; by (minute, type)
  bool operator==(const Project&) const = default;
};

// What was seen in all: of a group, or, of an issue, of itself and everything merged below it.
// Times are zero when there are no occurrences.
struct Totals {
  uint64_t times_seen = 0;
  TimeUs first_seen{};
  TimeUs last_seen{};

  void add(const Totals& more);
};

// One group: a leaf that owns fingerprints (and, being merged into, the view over its children), or
// a view that was made as one and owns none. Without occurrences of its own, times are zero.
// Its own fields go on being folded while it is hidden, as if it were not (law 2).
// What an occurrence changes comes first: there are millions of them, and each costs a cache miss.
struct Group {
  uint64_t times_seen = 0;  // own occurrences
  TimeUs first_seen{};      // min/max over its own occurrences' times
  TimeUs last_seen{};
  Level level{};                       // of the newest occurrence applied
  uint8_t priority = 50;               // 25, 50, 75
  Status status = Status::Unresolved;  // its own: what an issue shows is State::shown_status()
  Substatus substatus = Substatus::New;
  GroupId id{};
  Text title;
  Text culprit;
  TimeUs status_since{};  // record time of the last status change (creation at first)
  GroupId parent{};       // the group it is merged into; 0 = visible
  Standing standing = Standing::Kept;
  uint8_t initial_priority = 50;     // what a de-escalation goes back to
  bool priority_locked : 1 = false;  // a person chose the priority
  bool reviewed : 1 = false;         // somebody looked at it since its status changed
  bool reopened : 1 = false;         // a member reopened it: Care::reopened says which
  ProjectId project{};
  uint32_t number = 0;  // short id within the project
  uint32_t type = 0;
  Text assignee;  // "" = nobody
  Lsn created{};
  Lsn merged_at{};                     // of the merge that hid it; 0 = visible
  IdList<GroupId> children;            // merged into it, in order of merging
  IdList<FingerprintId> fingerprints;  // owned, in order of linking
  GroupId split_from{};                // the group its fingerprints came from; 0 = none
  Totals own() const { return {times_seen, first_seen, last_seen}; }
  bool operator==(const Group&) const = default;
};

struct Fingerprint {
  FingerprintId id{};
  GroupId leaf{};  // 0 = none yet: its occurrences are held back
  ProjectId project{};
  Text value;
  uint64_t occurrences = 0;  // decided by this fingerprint
  TimeUs first_seen{};       // of these; zero while there is none
  TimeUs last_seen{};
  Text first_release;  // of the earliest of these; empty: that had none
  Hash128 membership;  // order-independent sum of hash128(occurrence id)
  bool operator==(const Fingerprint&) const = default;
};

// Why a fingerprint has no group yet.
struct Held {
  FingerprintId id{};
  uint32_t count = 0;  // occurrences, without a longer pause than kNoiseExpiryUs between them
  TimeUs last{};       // record time of the newest one
  bool operator==(const Held&) const = default;
};

// What one record did, for those who keep indexes beside the state.
struct Applied {
  FingerprintId decided_by{};      // occurrences: the deciding fingerprint
  std::vector<GroupId> touched;    // groups whose history this record belongs to
                                   // (not filled for occurrences, unless it changed a status
                                   // or made the group)
  std::vector<GroupId> regrouped;  // shown by another issue than before, or in none any more
  std::vector<GroupId> restated;   // of those touched: got another status or substatus by what they
                                   // show; a view that a member had reopened before does not again
};

struct ShownStatus {
  Status status{};
  Substatus substatus{};
  TimeUs since{};
  bool operator==(const ShownStatus&) const = default;
};

}  // namespace cairn::model
