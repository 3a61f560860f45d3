#include "embed/commands.h"

#include <fmt/format.h>

#include <charconv>

#include "base/clock.h"
#include "embed/convert.h"
#include "model/group_type.h"

namespace cairn::embed {
namespace {

constexpr std::string_view kMarker = ":fingerprint:";

Result<ProjectId> find_project(const model::State& state, std::string_view name) {
  uint64_t number = 0;
  const char* last = name.data() + name.size();
  const auto [end, error] = std::from_chars(name.data(), last, number);
  if (error == std::errc() && end == last && state.project(ProjectId{number}) != nullptr) {
    return ProjectId{number};
  }
  if (const model::Project* project = state.find_project(name)) return project->id;
  return make_error(ErrorCode::NotFound, fmt::format("no project '{}'", name));
}

// A command of the model, and how its groups are called, which it may change.
struct Plan {
  model::Command command;
  std::string issue;
  std::vector<std::string> issues;
};

class Planner {
 public:
  Planner(const engine::Store& store, const engine::Snapshot& snapshot,
          const query::Control& control)
      : store_(store), snapshot_(snapshot), state_(snapshot.state()), control_(control) {}

  Result<Plan> operator()(const v1::Merge& wish) const {
    model::MergeCommand command;
    Plan plan;
    CAIRN_TRY_ASSIGN(command.primary, find(wish.into, plan.issue));
    CAIRN_TRY_ASSIGN(command.children, find(wish.issues, plan.issues));
    plan.command = std::move(command);
    return plan;
  }
  Result<Plan> operator()(const v1::MergeNew& wish) const {
    model::MakeViewCommand command{wish.title, {}};
    Plan plan;
    CAIRN_TRY_ASSIGN(command.children, find(wish.issues, plan.issues));
    plan.command = std::move(command);
    return plan;
  }
  Result<Plan> operator()(const v1::Unmerge& wish) const {
    model::UnmergeCommand command;
    command.nth_last = wish.nth_last;
    Plan plan;
    CAIRN_TRY_ASSIGN(command.view, find(wish.view, plan.issue));
    CAIRN_TRY_ASSIGN(command.children, find(wish.issues, plan.issues));
    plan.command = std::move(command);
    return plan;
  }
  Result<Plan> operator()(const v1::Split& wish) const {
    return about(wish.issue, [&](GroupId group) {
      return model::SplitCommand{group, wish.fingerprints, {}, {}};
    });
  }
  Result<Plan> operator()(const v1::Rejoin& wish) const {
    return about(wish.part, [&](GroupId group) { return model::RejoinCommand{group}; });
  }
  Result<Plan> operator()(const v1::Resolve& wish) const {
    model::Resolution resolution;
    resolution.kind = static_cast<model::ResolutionKind>(wish.how);
    resolution.version = wish.version;
    return about(wish.issue, [&](GroupId group) {
      return model::SetStatusCommand{group, model::Status::Resolved, {}, {}, resolution};
    });
  }
  Result<Plan> operator()(const v1::Unresolve& wish) const {
    return about(wish.issue, [&](GroupId group) {
      return model::SetStatusCommand{group, model::Status::Unresolved, {}, {}, {}};
    });
  }
  Result<Plan> operator()(const v1::Archive& wish) const {
    model::SnoozeTerms terms{
        {}, wish.count, wish.window_minutes, wish.users, wish.user_window_minutes};
    if (wish.until) {
      terms.until = to_inner(*wish.until);
      if (terms.until <= SystemClock().now()) {
        return make_error(ErrorCode::InvalidArgument, "until: that is over already");
      }
    }
    if (wish.forever && !terms.empty()) {
      return make_error(ErrorCode::InvalidArgument, "forever and until something: one of them");
    }
    const auto substatus = wish.forever ? model::Substatus::Forever : model::Substatus::None;
    return about(wish.issue, [&](GroupId group) {
      return model::SetStatusCommand{group, model::Status::Ignored, substatus, terms, {}};
    });
  }
  Result<Plan> operator()(const v1::Assign& wish) const {
    return about(wish.issue, [&](GroupId group) {
      return model::AssignCommand{group, wish.assignee};
    });
  }
  Result<Plan> operator()(const v1::SetPriority& wish) const {
    std::optional<uint8_t> priority;
    for (const uint8_t one : {uint8_t{25}, uint8_t{50}, uint8_t{75}}) {
      if (model::priority_name(one) == wish.priority) priority = one;
    }
    if (!priority && !wish.priority.empty()) {
      return make_error(ErrorCode::InvalidArgument,
                        fmt::format("priority: low, medium or high, not '{}'", wish.priority));
    }
    return about(wish.issue, [&](GroupId group) {
      return model::SetPriorityCommand{group, priority};
    });
  }
  Result<Plan> operator()(const v1::Note& wish) const {
    auto change = model::NoteChange::Edited;
    if (wish.note == 0) {
      change = model::NoteChange::Added;
    } else if (wish.text.empty()) {
      change = model::NoteChange::Removed;
    }
    return about(wish.issue, [&](GroupId group) {
      return model::NoteCommand{group, change, wish.note, wish.text};
    });
  }
  Result<Plan> operator()(const v1::Attention& wish) const {
    const auto what = static_cast<model::Attention>(wish.what);
    return about(wish.issue, [&](GroupId group) {
      return model::AttentionCommand{group, what, wish.who, wish.on};
    });
  }
  Result<Plan> operator()(const v1::Link& wish) const {
    return about(wish.issue, [&](GroupId group) {
      return model::LinkCommand{group, wish.url, wish.title, wish.removed};
    });
  }
  Result<Plan> operator()(const v1::SetStanding& wish) const {
    const auto standing = static_cast<model::Standing>(wish.standing);
    return about(wish.issue, [&](GroupId group) {
      return model::SetStandingCommand{group, standing};
    });
  }
  Result<Plan> operator()(const v1::SetProject& wish) const {
    model::ChangeProjectCommand command;
    command.project = ProjectId{wish.project};
    command.slug = wish.slug;
    command.auto_resolve_hours = wish.auto_resolve_hours;
    command.escalation_threshold = wish.escalation_threshold;
    command.hold_back = wish.hold_back;
    if (wish.policy) {
      for (const auto policy : {model::FingerprintPolicy::First, model::FingerprintPolicy::Known}) {
        if (model::policy_name(policy) == *wish.policy) command.policy = policy;
      }
      if (!command.policy) {
        return make_error(ErrorCode::InvalidArgument,
                          fmt::format("policy: first or known, not '{}'", *wish.policy));
      }
    }
    return Plan{command, {}, {}};
  }
  Result<Plan> operator()(const v1::SetRelease& wish) const {
    model::ChangeReleaseCommand command{ProjectId{wish.project}, wish.version, {}, wish.commits};
    if (wish.date) command.date = to_inner(*wish.date);
    return Plan{std::move(command), {}, {}};
  }
  Result<Plan> operator()(const v1::NewExperiment& wish) const {
    // Whether that moment is there, and still known, is found out before it is promised.
    if (wish.at != 0) CAIRN_TRY(store_.as_of({Lsn{wish.at}, std::nullopt}));
    return Plan{model::MakeExperimentCommand{wish.name, Lsn{wish.at}}, {}, {}};
  }
  Result<Plan> operator()(const v1::AddRule& wish) const {
    const model::Experiment* experiment = state_.find_experiment(wish.experiment);
    if (experiment == nullptr) {
      return make_error(ErrorCode::NotFound, fmt::format("no experiment '{}'", wish.experiment));
    }
    CAIRN_TRY_ASSIGN(const query::Rule rule, query::parse_rule(wish.rule));
    query::RuleFindings findings;
    if (experiment->at == Lsn{}) {
      CAIRN_TRY_ASSIGN(const query::View view, snapshot_.view_in(wish.experiment));
      query::Meter meter(control_);
      CAIRN_TRY_ASSIGN(findings,
                       query::evaluate(query::watched(view, meter), rule, SystemClock().now()));
    } else {
      CAIRN_TRY_ASSIGN(findings, evaluate_then(*experiment, rule));
    }
    return Plan{model::AddToExperimentCommand{wish.experiment, wish.rule, findings.links}, {}, {}};
  }
  Result<Plan> operator()(const v1::PromoteExperiment& wish) const {
    return Plan{model::PromoteCommand{wish.name, wish.rebase}, {}, {}};
  }
  Result<Plan> operator()(const v1::DropExperiment& wish) const {
    return Plan{model::DropExperimentCommand{wish.name}, {}, {}};
  }
  Result<Plan> operator()(const v1::Sweep& wish) const {
    CAIRN_TRY_ASSIGN(const auto found,
                     snapshot_.evaluate(wish.rule, SystemClock().now(), control_));
    const uint64_t moved = found.links.children();
    if (moved > wish.limit) {
      return make_error(ErrorCode::Exhausted,
                        fmt::format("the rule would move {} issues, the limit is {}; nothing was "
                                    "done. Narrow the rule, or raise the limit",
                                    moved, wish.limit));
    }
    return Plan{model::RegroupCommand{model::RegroupCause::Sweep, wish.rule, found.links}, {}, {}};
  }
  Result<Plan> operator()(const v1::UndoRegrouping& wish) const {
    CAIRN_TRY_ASSIGN(const model::Regrouping undo, snapshot_.undo_of(Lsn{wish.lsn}));
    return Plan{
        model::RegroupCommand{model::RegroupCause::Undo, std::to_string(wish.lsn), undo}, {}, {}};
  }

 private:
  Result<GroupId> find(const std::string& reference, std::string& name) const {
    CAIRN_TRY_ASSIGN(const GroupId group, find_group(state_, reference));
    name = state_.short_id(group);
    return group;
  }
  // Each group once, in order.
  Result<std::vector<GroupId>> find(const std::vector<std::string>& references,
                                    std::vector<std::string>& names) const {
    std::vector<GroupId> groups;
    for (const std::string& reference : references) {
      std::string name;
      CAIRN_TRY_ASSIGN(const GroupId group, find(reference, name));
      if (std::find(groups.begin(), groups.end(), group) != groups.end()) continue;
      groups.push_back(group);
      names.push_back(std::move(name));
    }
    return groups;
  }
  // A command about one issue.
  template <class Make>
  Result<Plan> about(const std::string& reference, Make&& make) const {
    Plan plan;
    CAIRN_TRY_ASSIGN(const GroupId group, find(reference, plan.issue));
    plan.command = make(group);
    return plan;
  }
  // On the store as of the experiment's moment.
  Result<query::RuleFindings> evaluate_then(const model::Experiment& experiment,
                                            const query::Rule& rule) const {
    CAIRN_TRY_ASSIGN(const auto past, store_.as_of({experiment.at, std::nullopt}));
    CAIRN_TRY_ASSIGN(const auto then, past->snapshot());
    CAIRN_TRY_ASSIGN(const model::Record record, then->record(experiment.at));
    query::Meter meter(control_);
    return query::evaluate(query::watched(then->view_with(experiment), meter), rule, record.time);
  }

  const engine::Store& store_;
  const engine::Snapshot& snapshot_;
  const model::State& state_;
  const query::Control& control_;
};

// What only the record knows: numbers that were given, children that were meant by "all". The
// command is done by then: when that cannot be read back, the answer goes without names.
void tell_fact(const engine::Store& store, v1::Executed& done) {
  const auto snapshot = store.snapshot();
  if (!snapshot.ok()) return;
  const auto record = (*snapshot)->record(Lsn{done.lsn});
  if (!record.ok()) return;
  const model::State& state = (*snapshot)->state();
  const auto name_of = [&](ProjectId project, uint32_t number) {
    const model::Group* group = state.find_group(project, number);
    return group == nullptr ? std::string() : state.short_id(group->id);
  };
  if (const auto* made = std::get_if<model::ViewMade>(&record->body)) {
    done.issue = name_of(made->project, made->number);
  } else if (const auto* split = std::get_if<model::Split>(&record->body)) {
    done.issue = name_of(split->project, split->part);
  } else if (const auto* unmerged = std::get_if<model::Unmerged>(&record->body)) {
    done.issues.clear();
    for (const uint32_t child : unmerged->children) {
      done.issues.push_back(name_of(unmerged->project, child));
    }
  }
}

}  // namespace

Result<GroupId> find_group(const model::State& state, std::string_view reference) {
  const size_t marker = reference.find(kMarker);
  if (marker == std::string_view::npos) return state.find_issue(reference);
  CAIRN_TRY_ASSIGN(const ProjectId project, find_project(state, reference.substr(0, marker)));
  const std::string_view fingerprint = reference.substr(marker + kMarker.size());
  const model::Fingerprint* known = state.find_fingerprint(project, fingerprint);
  if (known != nullptr && known->leaf != GroupId{}) return state.root_of(known->leaf);
  return make_error(
      ErrorCode::NotFound,
      fmt::format("no issue of the project is decided by the fingerprint '{}'", fingerprint));
}

Result<v1::Executed> execute(engine::Store& store, const v1::Command& command,
                             const v1::WriteOptions& options, const query::Control& control) {
  Plan plan;
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store.snapshot());
    CAIRN_TRY_ASSIGN(plan, std::visit(Planner(store, *snapshot, control), command));
  }
  CAIRN_TRY_ASSIGN(const auto result, store.execute(plan.command, {options.actor, options.key}));
  v1::Executed done;
  done.lsn = raw(result.lsn);
  done.outcome = to_public(result.outcome);
  done.issue = std::move(plan.issue);
  done.issues = std::move(plan.issues);
  if (result.outcome == engine::Outcome::Stored) tell_fact(store, done);
  return done;
}

}  // namespace cairn::embed
