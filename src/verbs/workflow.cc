// resolve, unresolve, archive, assign.
#include <fmt/format.h>

#include "base/clock.h"
#include "base/time_format.h"
#include "verbs/command_answer.h"
#include "verbs/context.h"
#include "verbs/issue_reference.h"
#include "verbs/output.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

// With one key and several issues each gets a key of its own, so that none hides the others.
engine::ExecuteOptions options_for(const WriterArguments& writer, const std::string& issue,
                                   bool several) {
  engine::ExecuteOptions options = options_of(writer);
  if (several && !options.key.empty()) options.key += "/" + issue;
  return options;
}

}  // namespace

VerbResult run_verb(const StatusArguments& arguments, Context& context) {
  Console& console = context.console;
  const TimeUs until = arguments.snooze.until;
  if (until != TimeUs{} && until <= context.clock.now()) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("--until: {} is over already", format_time(until)));
  }
  CAIRN_TRY_ASSIGN(auto store, open_writing(context, arguments.store));
  std::vector<GroupId> groups;
  std::vector<std::string> names;
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store->snapshot());
    CAIRN_TRY_ASSIGN(groups, find_issues(*snapshot, arguments.issues));
    names = short_ids(snapshot->state(), groups);
  }
  const std::string_view status = model::status_name(arguments.status);
  JsonWriter json;
  json.begin_object().key("results").begin_array();
  Lsn last{};
  const TimeUs now = context.clock.now();
  for (size_t i = 0; i < groups.size(); ++i) {
    model::SetStatusCommand command{groups[i], arguments.status, arguments.substatus,
                                    arguments.snooze, arguments.resolution};
    if (arguments.snooze_us) command.snooze.until = TimeUs{raw(now) + *arguments.snooze_us};
    auto result =
        store->execute(command, options_for(arguments.writer, names[i], groups.size() > 1));
    if (!result) {
      if (i > 0) {
        console.note(fmt::format("cairn: done before the error: {}",
                                 joined({names.begin(), names.begin() + static_cast<long>(i)})));
      }
      return result.error();
    }
    last = result->lsn;
    json.begin_object().key("issue").string(names[i]);
    json.key("lsn").unsigned_integer(raw(result->lsn));
    json.key("outcome").string(outcome_name(result->outcome)).end_object();
    if (console.json) continue;
    const bool changed = result->outcome == engine::Outcome::Stored;
    const bool ignored = arguments.status == model::Status::Ignored;
    console.out.line(changed ? fmt::format("{} is {} ({})", names[i], ignored ? "archived" : status,
                                           lsn_note(*result))
                             : fmt::format("{}: {}", names[i], lsn_note(*result)));
  }
  CAIRN_TRY(store.finish());
  json.end_array().key("lsn").unsigned_integer(raw(last)).key("status").string(status);
  if (console.json) console.out.line(json.end_object().str());
  return ExitCode::Ok;
}

VerbResult run_verb(const AssignArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(auto store, open_writing(context, arguments.store));
  model::AssignCommand command;
  std::string name;
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store->snapshot());
    CAIRN_TRY_ASSIGN(command.group, snapshot->state().find_issue(arguments.issue));
    name = snapshot->state().short_id(command.group);
  }
  command.assignee = arguments.assignee;
  CAIRN_TRY_ASSIGN(const auto result, store->execute(command, options_of(arguments.writer)));
  CAIRN_TRY(store.finish());
  if (console.json) {
    JsonWriter json;
    begin_answer(json, result).key("issue").string(name);
    write_text_or_null(json, "assignee", arguments.assignee);
    console.out.line(json.end_object().str());
  } else if (result.outcome == engine::Outcome::Stored) {
    const std::string who = arguments.assignee.empty() ? "nobody" : arguments.assignee;
    console.out.line(fmt::format("{} is assigned to {} ({})", name, who, lsn_note(result)));
  } else {
    console.out.line(fmt::format("{}: {}", name, lsn_note(result)));
  }
  return ExitCode::Ok;
}

VerbResult run_verb(const PriorityArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(auto store, open_writing(context, arguments.store));
  model::SetPriorityCommand command;
  std::string name;
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store->snapshot());
    CAIRN_TRY_ASSIGN(command.group, snapshot->state().find_issue(arguments.issue));
    name = snapshot->state().short_id(command.group);
  }
  command.priority = arguments.priority;
  CAIRN_TRY_ASSIGN(const auto result, store->execute(command, options_of(arguments.writer)));
  std::string priority;
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store->snapshot());
    priority = model::priority_name(snapshot->state().group(command.group).priority);
  }
  CAIRN_TRY(store.finish());
  if (console.json) {
    JsonWriter json;
    begin_answer(json, result).key("issue").string(name).key("priority").string(priority);
    console.out.line(json.end_object().str());
  } else if (result.outcome == engine::Outcome::Stored) {
    console.out.line(fmt::format("{} has priority {}{} ({})", name, priority,
                                 arguments.priority ? "" : " by its type", lsn_note(result)));
  } else {
    console.out.line(fmt::format("{}: {}", name, lsn_note(result)));
  }
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
