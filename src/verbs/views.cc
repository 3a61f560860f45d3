// merge, unmerge, split.
#include <fmt/format.h>

#include "verbs/command_answer.h"
#include "verbs/context.h"
#include "verbs/issue_reference.h"
#include "verbs/output.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

// Calls fn with what a command that changed something put on record, and the state after it. It is
// done by then: when that cannot be read back, the answer has no names.
template <class Fact, class Fn>
void with_fact(const engine::Store& store, const engine::ExecuteResult& result, Fn&& fn) {
  if (result.outcome != engine::Outcome::Stored) return;
  const auto snapshot = store.snapshot();
  if (!snapshot.ok()) return;
  const auto record = (*snapshot)->record(result.lsn);
  if (!record.ok()) return;
  if (const auto* fact = std::get_if<Fact>(&record->body)) fn(*fact, (*snapshot)->state());
}

// Merges into the first issue, or into a new one.
struct Merging {
  model::Command command;
  std::string view;  // "" = to be made
  std::vector<std::string> children;
};

Result<Merging> plan_merge(const MergeArguments& arguments, const engine::Snapshot& snapshot) {
  CAIRN_TRY_ASSIGN(std::vector<GroupId> groups, find_issues(snapshot, arguments.references));
  Merging out;
  out.children = short_ids(snapshot.state(), groups);
  if (!arguments.title.empty()) {
    out.command = model::MakeViewCommand{arguments.title, std::move(groups)};
    return out;
  }
  out.view = out.children.front();
  out.children.erase(out.children.begin());
  if (out.children.empty()) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("only {} was named; a merge needs a primary and at least one "
                                  "other issue",
                                  out.view));
  }
  out.command = model::MergeCommand{groups.front(), {groups.begin() + 1, groups.end()}};
  return out;
}

}  // namespace

VerbResult run_verb(const MergeArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(auto store, open_writing(context, arguments.store));
  Merging merging;
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store->snapshot());
    CAIRN_TRY_ASSIGN(merging, plan_merge(arguments, *snapshot));
  }
  CAIRN_TRY_ASSIGN(const auto result,
                   store->execute(merging.command, options_of(arguments.writer)));
  if (merging.view.empty()) {
    with_fact<model::ViewMade>(*store, result, [&](const auto& fact, const auto& state) {
      merging.view = state.short_id(state.find_group(fact.project, fact.number)->id);
    });
  }
  CAIRN_TRY(store.finish());
  if (console.json) {
    JsonWriter json;
    write_text_or_null(begin_answer(json, result), "primary", merging.view);
    write_names(json, "children", merging.children);
    console.out.line(json.end_object().str());
  } else if (result.outcome == engine::Outcome::Stored) {
    console.out.line(fmt::format("{} now shows {} ({})", merging.view, joined(merging.children),
                                 lsn_note(result)));
  } else {
    console.out.line(lsn_note(result));
  }
  return ExitCode::Ok;
}

VerbResult run_verb(const UnmergeArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(auto store, open_writing(context, arguments.store));
  model::UnmergeCommand command;
  command.nth_last = arguments.nth_last;
  std::string view;
  std::vector<std::string> names;
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store->snapshot());
    const model::State& state = snapshot->state();
    CAIRN_TRY_ASSIGN(command.view, state.find_issue(arguments.view));
    CAIRN_TRY_ASSIGN(command.children, find_issues(*snapshot, arguments.children));
    view = state.short_id(command.view);
  }
  CAIRN_TRY_ASSIGN(const auto result, store->execute(command, options_of(arguments.writer)));
  with_fact<model::Unmerged>(*store, result, [&](const auto& fact, const auto& state) {
    for (const uint32_t child : fact.children) {
      names.push_back(state.short_id(state.find_group(fact.project, child)->id));
    }
  });
  CAIRN_TRY(store.finish());
  if (console.json) {
    JsonWriter json;
    begin_answer(json, result).key("view").string(view);
    write_names(json, "children", names);
    console.out.line(json.end_object().str());
  } else if (result.outcome == engine::Outcome::Stored) {
    console.out.line(
        fmt::format("{} no longer shows {} ({})", view, joined(names), lsn_note(result)));
  } else {
    console.out.line(lsn_note(result));
  }
  return ExitCode::Ok;
}

VerbResult run_verb(const SplitArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(auto store, open_writing(context, arguments.store));
  model::Command command;
  std::string issue;  // what is left
  std::string part;
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store->snapshot());
    const model::State& state = snapshot->state();
    CAIRN_TRY_ASSIGN(const GroupId named, state.find_issue(arguments.issue));
    if (arguments.undo) {
      command = model::RejoinCommand{named};
      part = state.short_id(named);
    } else {
      command = model::SplitCommand{named, arguments.fingerprints, {}, {}};
      issue = state.short_id(named);
    }
  }
  CAIRN_TRY_ASSIGN(const auto result, store->execute(command, options_of(arguments.writer)));
  std::string shown_in;  // what goes back may go back into a hidden issue
  if (arguments.undo) {
    with_fact<model::Rejoined>(*store, result, [&](const auto& fact, const auto& state) {
      const GroupId to = state.find_group(fact.project, fact.number)->id;
      issue = state.short_id(to);
      if (state.root_of(to) != to) shown_in = state.short_id(state.root_of(to));
    });
  } else {
    with_fact<model::Split>(*store, result, [&](const auto& fact, const auto& state) {
      part = state.short_id(state.find_group(fact.project, fact.part)->id);
    });
  }
  CAIRN_TRY(store.finish());
  if (console.json) {
    JsonWriter json;
    write_text_or_null(begin_answer(json, result), "issue", issue);
    write_text_or_null(json, "part", part);
    if (arguments.undo) write_text_or_null(json, "shown_in", shown_in);
    console.out.line(json.end_object().str());
  } else if (result.outcome != engine::Outcome::Stored) {
    console.out.line(lsn_note(result));
  } else if (arguments.undo) {
    const std::string where = shown_in.empty() ? "" : fmt::format(", shown within {}", shown_in);
    console.out.line(fmt::format("{} is back in {}{} ({})", part, issue, where, lsn_note(result)));
  } else {
    console.out.line(fmt::format("{} split off from {} ({})", part, issue, lsn_note(result)));
  }
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
