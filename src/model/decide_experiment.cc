// Commands about experiments and sweeps, held against the state.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <span>
#include <vector>

#include "model/decide_common.h"

namespace cairn::model {
namespace {

constexpr size_t kConflictsListed = 20;

template <class... Args>
Error refusal(ErrorCode code, fmt::format_string<Args...> text, Args&&... args) {
  return make_error(code, fmt::format(text, std::forward<Args>(args)...));
}

Error unknown_experiment(const State& state, const std::string& name) {
  constexpr size_t kListed = 5;
  std::string listed;
  size_t count = 0;
  for (const auto& [known, experiment] : state.experiments()) {
    if (count++ == kListed) break;
    listed += (listed.empty() ? "" : ", ") + known;
  }
  if (state.experiments().size() > kListed) listed += " ...";
  return refusal(
      ErrorCode::NotFound, "no experiment '{}': {}", name,
      listed.empty() ? "there are none; `experiment new` makes one" : "there is " + listed);
}

template <class Link>
std::vector<Link> by_number(const State& state, const ViewLinks& links) {
  std::vector<Link> out;
  links.for_each_view([&](GroupId view, std::span<const GroupId> children) {
    const Group& shown_in = state.group(view);
    Link link{shown_in.project, shown_in.number, {}};
    for (const GroupId child : children) link.children.push_back(state.group(child).number);
    out.push_back(std::move(link));
  });
  return out;
}

// What a record of the link would be refused for.
Result<void> check_link(const State& state, GroupId view, std::span<const GroupId> children) {
  CAIRN_TRY(check_exists(state, view));
  const Group& above = state.group(view);
  if (children.empty()) {
    return invalid("nothing to regroup with {}: name at least one other issue",
                   state.short_id(view));
  }
  for (const GroupId child : children) {
    CAIRN_TRY(check_exists(state, child));
    if (child == view) return invalid("{} cannot be merged into itself", state.short_id(view));
    if (state.group(child).project == above.project) continue;
    return conflict("{} and {} are in different projects: issues merge within one project only",
                    state.short_id(child), state.short_id(view));
  }
  std::vector<GroupId> sorted(children.begin(), children.end());
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice == sorted.end()) return {};
  return invalid("{} is named twice: name each issue to regroup once", state.short_id(*twice));
}

Result<void> check_links(const State& state, const Regrouping& links) {
  if (links.children() > kMaxRegroupedGroups) {
    return refusal(ErrorCode::Exhausted,
                   "{} groups are too many to regroup at once: at most {}; narrow the rule",
                   links.children(), kMaxRegroupedGroups);
  }
  Result<void> known;
  const auto check = [&](GroupId view, std::span<const GroupId> children) {
    if (known.ok()) known = check_link(state, view, children);
  };
  links.cuts.for_each_view(check);
  links.merges.for_each_view(check);
  return known;
}

}  // namespace

std::string list_conflicts(const State& state, const Overlay& overlay, size_t most) {
  std::string out;
  size_t listed = 0;
  for (const OverlayConflict& one : overlay.conflicts()) {
    if (listed++ == most) break;
    const auto place = [&](GroupId id, GroupId shown_in) {
      return id == shown_in ? std::string()
                            : fmt::format("; {} is shown within {} now", state.short_id(id),
                                          state.short_id(shown_in));
    };
    if (one.cut) {
      out += fmt::format("  {} out of {}: it is not directly merged into it any more\n",
                         state.short_id(one.child), state.short_id(one.view));
    } else {
      out += fmt::format("  {} into {}{}{}\n", state.short_id(one.child), state.short_id(one.view),
                         place(one.child, one.child_shown_in), place(one.view, one.view_shown_in));
    }
  }
  if (overlay.conflict_count() > listed) {
    out += fmt::format("  and {} more\n", overlay.conflict_count() - std::min(listed, most));
  }
  return out;
}

Decision decide_on(const State& state, const MakeExperimentCommand& wish) {
  if (!valid_experiment_name(wish.name)) {
    return invalid("'{}' is no name for an experiment: use 1 to {} of A-Z a-z 0-9 . _ -", wish.name,
                   kMaxExperimentNameBytes);
  }
  if (state.find_experiment(wish.name) != nullptr) {
    return conflict(
        "there is an experiment {} already: drop it, or take "
        "another name",
        wish.name);
  }
  if (state.experiments().size() >= kMaxExperiments) {
    return refusal(ErrorCode::Exhausted, "there are {} experiments, which is the limit: drop some",
                   state.experiments().size());
  }
  return Fact{ExperimentMade{wish.name, wish.at}};
}

Decision decide_on(const State& state, const AddToExperimentCommand& wish) {
  const Experiment* experiment = state.find_experiment(wish.name);
  if (experiment == nullptr) return unknown_experiment(state, wish.name);
  if (experiment->steps.size() >= kMaxExperimentSteps) {
    return refusal(ErrorCode::Exhausted, "{} has {} steps, which is the limit: begin another one",
                   wish.name, experiment->steps.size());
  }
  if (wish.rule.size() > kMaxRuleBytes || !simdjson::validate_utf8(wish.rule)) {
    return invalid("the rule is not UTF-8 or longer than {} bytes: shorten it", kMaxRuleBytes);
  }
  CAIRN_TRY(check_links(state, wish.facts));
  if (state.experiment_words() + wish.facts.words() > kMaxExperimentGroups) {
    return refusal(ErrorCode::Exhausted,
                   "the experiments of this store name {} groups, the limit is {}: drop some",
                   state.experiment_words(), kMaxExperimentGroups);
  }
  return Fact{ExperimentAdded{wish.name, wish.rule, by_number<Unmerged>(state, wish.facts.cuts),
                              by_number<Merged>(state, wish.facts.merges)}};
}

Decision decide_on(const State& state, const DropExperimentCommand& wish) {
  if (state.find_experiment(wish.name) == nullptr) return unknown_experiment(state, wish.name);
  return Fact{ExperimentDropped{wish.name}};
}

Decision decide_on(const State& state, const PromoteCommand& wish) {
  const Experiment* experiment = state.find_experiment(wish.name);
  if (experiment == nullptr) return unknown_experiment(state, wish.name);
  const Overlay overlay(state, *experiment);
  const Regrouping links = overlay.regrouping(state);
  if (links.empty()) return kNothingToDo;
  if (overlay.conflict_count() > 0 && !wish.rebase) {
    return conflict(
        "the store was regrouped since; {} of the links of {} do not mean any more what "
        "they meant:\n{}Promote with rebase to make what the experiment shows now.",
        overlay.conflict_count(), wish.name, list_conflicts(state, overlay, kConflictsListed));
  }
  CAIRN_TRY(check_links(state, links));
  CAIRN_TRY(state.check_fits(links));
  return Fact{Regrouped{RegroupCause::Promotion, wish.name, by_number<Unmerged>(state, links.cuts),
                        by_number<Merged>(state, links.merges)}};
}

Decision decide_on(const State& state, const RegroupCommand& wish) {
  if (wish.links.empty()) return kNothingToDo;
  if (wish.what.size() > kMaxRuleBytes || !simdjson::validate_utf8(wish.what)) {
    return invalid("the rule is not UTF-8 or longer than {} bytes: shorten it", kMaxRuleBytes);
  }
  CAIRN_TRY(check_links(state, wish.links));
  if (const auto fits = state.check_fits(wish.links); !fits.ok()) {
    return conflict("the store was regrouped meanwhile ({}): try again", fits.error().message);
  }
  return Fact{Regrouped{wish.cause, wish.what, by_number<Unmerged>(state, wish.links.cuts),
                        by_number<Merged>(state, wish.links.merges)}};
}

}  // namespace cairn::model
