// What a store met in its life: so that a test of random operations cannot pass idle.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "model/command.h"
#include "model/record.h"

namespace cairn::testing {

inline constexpr std::array<const char*, std::variant_size_v<model::Command>> kCommandNames = {
    "merge",
    "view",
    "unmerge",
    "split",
    "rejoin",
    "status",
    "priority",
    "assign",
    "project",
    "types",
    "note",
    "attention",
    "link",
    "standing",
    "release",
    "make experiment",
    "add to experiment",
    "drop experiment",
    "promote",
    "regroup"};
// Without those of alerts, which have a life of their own (tests/model/alert_model_test.cc).
inline constexpr size_t kAlertRecords = 5;
inline constexpr size_t kLifeRecords = std::variant_size_v<model::RecordBody> - kAlertRecords;
static_assert(std::is_same_v<std::variant_alternative_t<kLifeRecords, model::RecordBody>,
                             model::AlertRuleChanged>);
inline constexpr std::array<const char*, kLifeRecords> kRecordNames = {
    "occurrence",       "store created",      "project changed",
    "types changed",    "status changed",     "merged",
    "unmerged",         "view made",          "split",
    "rejoined",         "assigned",           "priority changed",
    "activity",         "nothing changed",    "release changed",
    "ticked",           "note changed",       "attention changed",
    "link changed",     "standing changed",   "experiment made",
    "experiment added", "experiment dropped", "regrouped"};

inline constexpr const char* kOutcomes[] = {
    "status message",   "operation merge",    "operation unmerge", "operation status_change",
    "operation assign", "operation unassign", "operation note",    "known occurrence",
    "known key",        "nothing to do",      "tick asked for",    "undo of a regrouping"};
// Ways to say a status.
inline constexpr const char* kStatuses[] = {"resolved now",
                                            "resolved in_release",
                                            "resolved in_next_release",
                                            "resolved in_commit",
                                            "ongoing",
                                            "forever",
                                            "until_escalating",
                                            "until a time",
                                            "until so many",
                                            "until so many in a window",
                                            "until so many users",
                                            "until so many users in a window"};
// Those that every run meets often; tests/model/workflow_model_test.cc demands all of them.
inline constexpr const char* kRules[] = {"new to ongoing by time",
                                         "regressed to ongoing by time",
                                         "escalating to ongoing by time",
                                         "until_condition_met to ongoing by time",
                                         "ongoing to resolved by age",
                                         "above the forecast",
                                         "forecast renewed",
                                         "resolved to regressed",
                                         "covered in the next release",
                                         "view reopened",
                                         "reopening forgotten with its member",
                                         "priority raised",
                                         "held back: noise",
                                         "deleted",
                                         "discarded",
                                         "kept",
                                         "counted while discarded",
                                         "split undone",
                                         "note added",
                                         "note edited",
                                         "note removed",
                                         "bookmarked",
                                         "subscribed",
                                         "seen",
                                         "reviewed",
                                         "link added"};

struct LifeTally {
  // How often each was stored; rules by the names of the naive fold.
  std::array<size_t, kCommandNames.size()> commands{};
  std::array<size_t, kRecordNames.size()> records{};
  std::map<std::string, size_t> outcomes;
  std::map<std::string, size_t> statuses;
  std::map<std::string, size_t> rules;

  void count(const model::RecordBody& body) {
    if (body.index() < records.size()) ++records[body.index()];
    const auto* change = std::get_if<model::StatusChanged>(&body);
    if (change == nullptr) return;
    const auto said = [&](const std::string& what) { ++statuses[what]; };
    if (change->status == model::Status::Resolved) {
      said("resolved " + std::string(resolution_name(change->resolution.kind)));
    }
    said(std::string(substatus_name(change->substatus)));
    const model::SnoozeTerms& terms = change->snooze;
    if (terms.until != TimeUs{}) said("until a time");
    const auto many = [](uint32_t minutes) { return minutes == 0 ? "" : " in a window"; };
    if (terms.count > 0) said(std::string("until so many") + many(terms.window_minutes));
    if (terms.users > 0) said(std::string("until so many users") + many(terms.user_window_minutes));
  }

  // Names of what was not met, or not often enough.
  std::vector<std::string> missing() const {
    std::vector<std::string> names;
    add_kinds(kCommandNames, commands, names);
    add_kinds(kRecordNames, records, names);
    add_unmet(kOutcomes, outcomes, names);
    add_unmet(kStatuses, statuses, names);
    add_unmet(kRules, rules, names);
    return names;
  }

 private:
  // Of each kind a few; each store has one that it begins with.
  static constexpr size_t kLeast = 3;

  template <size_t N>
  static void add_kinds(const std::array<const char*, N>& kinds,
                        const std::array<size_t, N>& counts, std::vector<std::string>& names) {
    for (size_t i = 0; i < N; ++i) {
      if (counts[i] < kLeast) names.emplace_back(kinds[i]);
    }
  }

  static void add_unmet(std::span<const char* const> wanted,
                        const std::map<std::string, size_t>& counts,
                        std::vector<std::string>& names) {
    for (const char* name : wanted) {
      if (!counts.contains(name)) names.emplace_back(name);
    }
  }
};

}  // namespace cairn::testing
