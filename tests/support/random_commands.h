// Random wishes of people: any command, on any state, mostly one that fits it. Few names, so that
// wishes meet each other often.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/command.h"
#include "support/random_facts.h"

namespace cairn::testing {

class RandomCommands : public RandomFacts {
 public:
  // Of projects 1 to `projects`.
  RandomCommands(uint64_t seed, uint64_t projects) : RandomFacts(seed), projects_(projects) {}

  // Precondition: the state has groups.
  model::Command next(const model::State& state, TimeUs now) {
    const uint64_t kind = below(54);
    if (kind < 4) return merge(state);
    if (kind < 6) return model::MakeViewCommand{title(), some_of(state, any_project())};
    if (kind < 9) return unmerge(state);
    if (kind < 12) return split(state);
    if (kind < 14) return rejoin(state);
    if (kind < 24) return set_status(state, now);
    if (kind < 26) return set_priority(state);
    if (kind < 28) return model::AssignCommand{issue(state), assignee()};
    if (kind < 30) return change_project(any_project());
    if (kind < 31) return change_types();
    if (kind < 34) return note(state);
    if (kind < 37) return attend(state);
    if (kind < 39) return link(state);
    if (kind < 42) return set_standing(state);
    if (kind < 44) return change_release(now);
    if (kind < 46) return model::MakeExperimentCommand{experiment(), one_in(2) ? Lsn{} : Lsn{1}};
    if (kind < 49) return model::AddToExperimentCommand{experiment(), "by hand", links(state)};
    if (kind < 50) return model::DropExperimentCommand{experiment()};
    if (kind < 52) return model::PromoteCommand{experiment(), one_in(2)};
    return model::RegroupCommand{model::RegroupCause::Sweep, "by hand", links(state)};
  }

  std::string any_release() {
    if (one_in(12)) return "nightly-" + std::to_string(below(4));
    return "shop@" + std::to_string(1 + below(2)) + "." + std::to_string(below(6));
  }
  std::string experiment() { return std::string(1, static_cast<char>('a' + below(4))); }
  std::string person() { return "user:" + std::to_string(below(4)); }
  ProjectId any_project() { return ProjectId{1 + below(projects_)}; }

  // One that fits, if a few tries find it.
  template <class Fits>
  GroupId look_for(const model::State& state, const Fits& fits) {
    GroupId id = group(state);
    for (int tries = 0; tries < 30 && !fits(state.group(id)); ++tries) id = group(state);
    return id;
  }

 private:
  // Mostly an issue, and one that is kept.
  GroupId issue(const model::State& state) {
    if (one_in(10)) return group(state);
    return look_for(state, [&](const model::Group& one) {
      return one.parent == GroupId{} && one.standing == model::Standing::Kept;
    });
  }

  std::vector<GroupId> some_of(const model::State& state, ProjectId project) {
    std::vector<GroupId> out;
    for (uint64_t n = 1 + below(3); n > 0; --n) {
      out.push_back(look_for(state, [&](const model::Group& one) {
        return one.project == project && one.parent == GroupId{} &&
               one.standing == model::Standing::Kept;
      }));
    }
    return out;
  }

  std::string title() { return one_in(15) ? " " : "view " + std::to_string(below(1000)); }

  model::MergeCommand merge(const model::State& state) {
    const GroupId primary = issue(state);
    return {primary, some_of(state, state.group(primary).project)};
  }

  model::UnmergeCommand unmerge(const model::State& state) {
    const GroupId view =
        look_for(state, [](const model::Group& one) { return !one.children.empty(); });
    model::UnmergeCommand wish{view, {}, 0};
    const auto& children = state.group(view).children;
    if (one_in(3)) wish.nth_last = static_cast<uint32_t>(1 + below(2));
    if (one_in(3) && !children.empty()) {
      const std::vector<GroupId> all(children.begin(), children.end());
      wish.children.push_back(pick(all));
    }
    return wish;
  }

  model::SplitCommand split(const model::State& state) {
    const GroupId whole = look_for(state, [](const model::Group& one) {
      return one.fingerprints.size() > 1 && one.parent == GroupId{} &&
             one.standing == model::Standing::Kept;
    });
    model::SplitCommand wish{whole, {}, {}, {}};
    for (const FingerprintId id : state.group(whole).fingerprints) {
      if (one_in(2)) wish.fingerprints.emplace_back(state.fingerprint(id).value.view());
    }
    if (one_in(4)) {
      wish.part_face = model::Face{"part", "", model::Level::Error};
      wish.rest_face = model::Face{"rest", "somewhere", model::Level::Info};
    }
    return wish;
  }

  model::RejoinCommand rejoin(const model::State& state) {
    return {look_for(state, [](const model::Group& one) {
      return one.split_from != GroupId{} && !one.fingerprints.empty() && one.parent == GroupId{};
    })};
  }

  model::SetStatusCommand set_status(const model::State& state, TimeUs now) {
    const auto [to, substatus] = status();
    model::SetStatusCommand wish{issue(state), to, substatus};
    if (substatus == model::Substatus::UntilConditionMet) wish.snooze = terms(now);
    if (to == model::Status::Resolved) {
      wish.resolution.kind = static_cast<model::ResolutionKind>(below(4));
      if (wish.resolution.kind == model::ResolutionKind::InRelease) {
        wish.resolution.version = any_release();
      } else if (wish.resolution.kind == model::ResolutionKind::InCommit) {
        wish.resolution.version = commit();
      }
    }
    if (one_in(10)) wish.substatus = model::Substatus::None;
    return wish;
  }

  // One of a time, a count and a number of users, or some of them; now and then none.
  model::SnoozeTerms terms(TimeUs now) {
    model::SnoozeTerms out;
    const uint64_t kinds = below(8);
    const auto window = [&] { return one_in(2) ? 0 : static_cast<uint32_t>(1 + below(600)); };
    if ((kinds & 1) != 0) out.until = TimeUs{raw(now) + static_cast<int64_t>(below(kWeekUs))};
    if ((kinds & 2) != 0) {
      out.count = static_cast<uint32_t>(1 + below(4));
      out.window_minutes = window();
    }
    if ((kinds & 4) != 0) {
      out.users = static_cast<uint32_t>(1 + below(3));
      out.user_window_minutes = window();
    }
    return out;
  }

  model::SetPriorityCommand set_priority(const model::State& state) {
    model::SetPriorityCommand wish{issue(state), {}};
    if (one_in(2)) wish.priority = static_cast<uint8_t>(25 * (1 + below(3)));
    return wish;
  }

  model::NoteCommand note(const model::State& state) {
    const bool adds = one_in(2);
    const GroupId id = adds ? issue(state) : look_for(state, [&](const model::Group& one) {
      return !state.care(one.id).notes.empty() && one.parent == GroupId{};
    });
    model::NoteCommand wish{id, model::NoteChange::Added, 0, "said " + std::to_string(below(100))};
    const std::vector<model::Note>& notes = state.care(id).notes;
    if (adds || notes.empty()) return wish;
    wish.note = one_in(10) ? 99 : pick(notes).number;
    wish.change = one_in(2) ? model::NoteChange::Edited : model::NoteChange::Removed;
    if (wish.change == model::NoteChange::Removed) wish.text.clear();
    return wish;
  }

  model::AttentionCommand attend(const model::State& state) {
    const auto attention = static_cast<model::Attention>(below(4));
    model::AttentionCommand wish{issue(state), attention, person(), true};
    if (attention == model::Attention::Reviewed) {
      wish.who.clear();
      wish.group = look_for(state, [&](const model::Group& one) {
        return one.parent == GroupId{} && state.for_review(one.id);
      });
    } else if (attention != model::Attention::Seen && one_in(2)) {
      take_off(state, wish);
    }
    if (one_in(20)) wish.who = "somebody";
    return wish;
  }

  // Of somebody who did, if there is one.
  void take_off(const model::State& state, model::AttentionCommand& wish) {
    const auto people = [&](GroupId id) -> const std::vector<std::string>& {
      const model::Care& care = state.care(id);
      return wish.attention == model::Attention::Bookmarked ? care.bookmarked_by
                                                            : care.subscribed_by;
    };
    wish.on = false;
    wish.group = look_for(state, [&](const model::Group& one) {
      return !people(one.id).empty() && one.parent == GroupId{};
    });
    if (!people(wish.group).empty()) wish.who = pick(people(wish.group));
  }

  model::LinkCommand link(const model::State& state) {
    model::LinkCommand wish{issue(state), "https://t.example/" + std::to_string(below(3)), "",
                            false};
    if (one_in(2)) wish.title = "T-" + std::to_string(below(3));
    if (!one_in(3)) return wish;
    wish.removed = true;
    wish.group = look_for(state, [&](const model::Group& one) {
      return !state.care(one.id).links.empty() && one.parent == GroupId{};
    });
    const auto& links = state.care(wish.group).links;
    if (!links.empty()) wish.url = pick(links).url;
    return wish;
  }

  model::SetStandingCommand set_standing(const model::State& state) {
    if (one_in(2)) {
      return {look_for(state,
                       [](const model::Group& one) {
                         return one.standing == model::Standing::Discarded &&
                                one.parent == GroupId{};
                       }),
              model::Standing::Kept};
    }
    return {issue(state), one_in(3) ? model::Standing::Deleted : model::Standing::Discarded};
  }

  model::ChangeProjectCommand change_project(ProjectId project) {
    model::ChangeProjectCommand wish{project, {}, {}, {}, {}, {}};
    static const std::vector<uint32_t> kHours = {0, 0, 5, 48, 24 * 9};
    if (one_in(3)) wish.auto_resolve_hours = pick(kHours);
    if (one_in(2)) wish.escalation_threshold = static_cast<uint32_t>(below(6));
    if (one_in(3)) wish.hold_back = one_in(2);
    if (one_in(2)) {
      wish.policy = one_in(2) ? model::FingerprintPolicy::Known : model::FingerprintPolicy::First;
    }
    if (one_in(6)) wish.slug = "shop-" + std::to_string(below(4));
    return wish;
  }

  model::ChangeTypesCommand change_types() {
    model::GroupType type = *model::find_known_group_type(one_in(3) ? 6001 : 1);
    type.noise_limit = static_cast<uint32_t>(below(4));
    type.quota_per_hour = static_cast<uint32_t>(1 + below(4));
    type.escalation = !one_in(5);
    type.auto_resolve = !one_in(4);
    model::ChangeTypesCommand wish{{}, {std::move(type)}};
    if (one_in(3)) wish.strict = one_in(2);
    return wish;
  }

  model::ChangeReleaseCommand change_release(TimeUs now) {
    model::ChangeReleaseCommand wish{any_project(), any_release(), {}, {}};
    if (one_in(2)) {
      wish.date = TimeUs{raw(now) + static_cast<int64_t>(below(2 * kWeekUs)) -
                         static_cast<int64_t>(kWeekUs)};
    }
    for (uint64_t n = below(3); n > 0; --n) wish.commits.push_back(commit());
    return wish;
  }

  // A few merges, and cuts of what is merged; they may contradict each other.
  model::Regrouping links(const model::State& state) {
    model::Regrouping out;
    if (one_in(2)) {
      const GroupId child =
          look_for(state, [](const model::Group& one) { return one.parent != GroupId{}; });
      const GroupId view = state.group(child).parent;
      if (view != GroupId{}) out.cuts.add(view, child);
    }
    if (!out.empty() && one_in(2)) return out;
    const GroupId view = issue(state);
    std::vector<GroupId> children = some_of(state, state.group(view).project);
    if (one_in(20)) children.clear();
    if (one_in(20)) children.push_back(group(state));
    out.merges.add(view, children);
    return out;
  }

  std::string commit() { return "c" + std::to_string(below(3)); }

  static constexpr uint64_t kWeekUs = 7ull * 24 * 3600 * 1'000'000;
  uint64_t projects_;
};

}  // namespace cairn::testing
