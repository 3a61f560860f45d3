// What a digest holds: the rules that alerted, each with its issues, each with how often and by how
// many users it was seen between the first and the last record of the digest. Issues that are gone
// or not unresolved are left out and counted.
//
// Values and one interface; thread: that of the caller.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alert/notification.h"
#include "base/ids.h"
#include "base/result.h"
#include "model/occurrence.h"

namespace cairn::alert {

inline constexpr size_t kMaxDigestRecords = 200'000;  // beyond: the newest
inline constexpr size_t kMaxShownIssues = 1000;       // of one rule, with a chart

// An alert about one issue.
struct DigestRecord {
  uint32_t rule = 0;
  std::string rule_name;
  ProjectId project{};  // of the issue as it was called then
  uint32_t number = 0;
  // What it is about: the time of the occurrence that fired it, or the time that an incident's
  // values cover.
  TimeUs begin{};
  TimeUs end{};
  bool operator==(const DigestRecord&) const = default;
};

// Columns of charts: `count` of them, each so wide, the first beginning at `begin`.
struct DigestChart {
  TimeUs begin{};
  int64_t width_us = 0;
  uint32_t count = 0;
  TimeUs end() const { return TimeUs{raw(begin) + width_us * count}; }
  bool operator==(const DigestChart&) const = default;
};
// Covers the time, at least the 24 hours up to its end, by at most 30 columns of an hour or more.
DigestChart chart_over(TimeUs begin, TimeUs end);

struct DigestCounts {
  uint64_t events = 0;
  uint64_t users = 0;
  bool operator==(const DigestCounts&) const = default;
};

struct DigestIssue {
  GroupId id{};
  std::string short_id;
  std::string title;
  std::string culprit;
  std::string project;  // its name
  ProjectId project_id{};
  model::Level level{};
  DigestCounts counts{};
  std::vector<uint64_t> trend{};  // events by column of the chart; empty: it is not shown
  bool operator==(const DigestIssue&) const = default;
};

struct DigestRule {
  struct Entry {
    size_t issue = 0;      // index into Digest::issues
    uint64_t records = 0;  // alerts of the rule about it
    bool operator==(const Entry&) const = default;
  };
  uint32_t rule = 0;
  std::string name;            // of the newest record
  std::vector<Entry> entries;  // by (events, users) descending, then by issue
  bool operator==(const DigestRule&) const = default;
};

struct Digest {
  TimeUs from{};   // the time that was asked about ...
  TimeUs until{};  // ... up to this
  TimeUs first{};  // what is counted: from the first record ...
  TimeUs last{};   // ... to the last one, inclusive
  DigestChart chart;
  uint64_t records = 0;             // of what is listed
  uint64_t gone = 0;                // records of issues that are deleted or discarded
  uint64_t not_unresolved = 0;      // of resolved and archived ones
  uint64_t older = 0;               // beyond kMaxDigestRecords
  std::vector<DigestIssue> issues;  // each once, by group
  std::vector<DigestRule> rules;    // by number of issues descending, then by number
  bool empty() const { return rules.empty(); }
  bool operator==(const Digest&) const = default;
};

// What a digest wants to know of a store, of one moment of it.
class DigestSource {
 public:
  virtual ~DigestSource() = default;
  // The visible issue over a group; 0: it is deleted, discarded or never was.
  virtual GroupId visible(ProjectId project, uint32_t number) = 0;
  virtual bool unresolved(GroupId issue) = 0;
  // Everything but counts and trend.
  virtual DigestIssue describe(GroupId issue) = 0;
  // Of each of the issues, in their order: what happened from `first` to `last`, inclusive.
  virtual Result<std::vector<DigestCounts>> counts(std::span<const GroupId> issues, TimeUs first,
                                                   TimeUs last) = 0;
  virtual Result<std::vector<std::vector<uint64_t>>> trends(std::span<const GroupId> issues,
                                                            const DigestChart& chart) = 0;
};

struct DigestRange {
  std::optional<TimeUs> from;  // nullopt: from the first record on
  TimeUs until{};
  size_t shown = kMaxShownIssues;  // issues of a rule that get a trend: those listed first
};

// Records in the order of the log. Errors: those of the source.
Result<Digest> build_digest(std::span<const DigestRecord> records, const DigestRange& range,
                            DigestSource& source);

}  // namespace cairn::alert
