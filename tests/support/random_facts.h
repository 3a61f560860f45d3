// Random occurrences and workflow records over few names, so that they meet each other often.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "model/rules.h"
#include "support/fold.h"

namespace cairn::testing {

class RandomFacts {
 public:
  explicit RandomFacts(uint64_t seed) : random_(seed) {}

  uint64_t below(uint64_t n) { return random_() % n; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

  ProjectId project() { return one_in(3) ? kApi : kShop; }

  // A time about `second`, now and then long before or after.
  model::Occurrence next_occurrence(int64_t second) {
    std::vector<std::string> entries;
    const uint64_t count = 1 + below(3);
    for (uint64_t i = 0; i < count; ++i) entries.push_back("f" + std::to_string(below(24)));
    const int64_t time = second + static_cast<int64_t>(below(41)) - 20;
    model::Occurrence out = occurrence(project(), std::move(entries), time, ++ids_);
    if (one_in(4)) out.title.reset();
    if (one_in(6)) out.title = "<untitled>";
    if (one_in(4)) out.culprit.reset();
    if (one_in(3)) out.culprit = "part " + std::to_string(below(4));
    if (one_in(3)) out.level_text = one_in(2) ? "fatal" : "info";
    if (one_in(5)) out.type = 6001;
    if (one_in(9)) out.assignee = "user:9";
    if (one_in(9)) out.priority = 75;
    if (one_in(3)) {
      out.event = "{\"release\":\"shop@1." + std::to_string(below(5)) +
                  "\",\"user\":{\"id\":" + std::to_string(below(6)) + "}}";
    }
    return out;
  }

  // Any pair that fits.
  std::pair<model::Status, model::Substatus> status() {
    while (true) {
      const auto status = static_cast<model::Status>(below(3));
      const auto substatus = static_cast<model::Substatus>(below(8));
      if (model::substatus_fits(status, substatus)) return {status, substatus};
    }
  }

  std::string assignee() { return one_in(3) ? "" : "user:" + std::to_string(below(4)); }

  GroupId group(const model::State& state) {
    return GroupId{static_cast<uint32_t>(1 + below(state.group_count()))};
  }

  // Something that happens to a group, hidden or not, as detectors and trackers report it.
  model::RecordBody workflow(const model::State& state) {
    const model::Group& on = state.group(group(state));
    switch (below(10)) {
      case 9:
        if (one_in(2)) return model::Ticked{};
        return model::ReleaseChanged{on.project, release(), {}, {"c" + std::to_string(below(3))}};
      case 8:
        return note(state, on);
      case 7:
        return model::AttentionChanged{on.project, on.number,
                                       static_cast<model::Attention>(below(3)),
                                       "user:" + std::to_string(below(4)), !one_in(3)};
      case 6:
        return model::LinkChanged{on.project, on.number, "https://t/" + std::to_string(below(3)),
                                  "", one_in(3)};
      case 0:
        return model::Assigned{on.project, on.number, assignee()};
      case 1:
        return model::ActivityAdded{on.project, on.number, "note", "{}"};
      case 2:
        return model::PriorityChanged{on.project, on.number,
                                      static_cast<uint8_t>(25 * (1 + below(3))), one_in(2)};
      default:
        break;
    }
    return status_change(on);
  }

  std::string release() { return "shop@1." + std::to_string(below(5)); }

  // With what goes along with it.
  model::StatusChanged status_change(const model::Group& on) {
    const auto [to, substatus] = status();
    model::StatusChanged change{on.project, on.number, to, substatus};
    if (substatus == model::Substatus::UntilConditionMet) {
      change.snooze.count = static_cast<uint32_t>(1 + below(4));
      if (one_in(2)) change.snooze.window_minutes = 1;
      if (one_in(2)) change.snooze.users = static_cast<uint32_t>(1 + below(3));
      if (one_in(3)) change.snooze.user_window_minutes = 1;
    }
    if (substatus == model::Substatus::UntilEscalating) change.forecast = {1, 2};
    if (to == model::Status::Resolved && one_in(2)) {
      change.resolution.kind = static_cast<model::ResolutionKind>(1 + below(3));
      const bool commit = change.resolution.kind == model::ResolutionKind::InCommit;
      change.resolution.version = commit ? "c" + std::to_string(below(3)) : release();
    }
    return change;
  }

  model::NoteChanged note(const model::State& state, const model::Group& on) {
    const auto& notes = state.care(on.id).notes;
    if (notes.empty() || one_in(2)) {
      return {on.project, on.number, model::NoteChange::Added, state.care(on.id).last_note + 1,
              "said"};
    }
    const bool edits = one_in(2);
    return {on.project, on.number, edits ? model::NoteChange::Edited : model::NoteChange::Removed,
            pick(notes).number, edits ? "said better" : ""};
  }

  // A merge that fits; nullopt when the dice show no two visible groups of one project.
  std::optional<model::Merged> merge(const model::State& state) {
    if (state.group_count() == 0) return std::nullopt;
    const model::Group& primary = state.group(state.root_of(group(state)));
    model::Merged out{primary.project, primary.number, {}};
    for (uint64_t tries = 1 + below(3); tries > 0; --tries) {
      const model::Group& child = state.group(state.root_of(group(state)));
      const bool named =
          std::find(out.children.begin(), out.children.end(), child.number) != out.children.end();
      if (child.project == primary.project && child.id != primary.id && !named) {
        out.children.push_back(child.number);
      }
    }
    if (out.children.empty()) return std::nullopt;
    return out;
  }

 private:
  std::mt19937_64 random_;
  uint64_t ids_ = 0;
};

}  // namespace cairn::testing
