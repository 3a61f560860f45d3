// note, bookmark, subscribe, seen, review, link, delete, discard, tick.
#include <fmt/format.h>

#include "verbs/command_answer.h"
#include "verbs/context.h"
#include "verbs/issue_reference.h"
#include "verbs/output.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

// One command about one issue: `make` gets its group, `said` is what is told when it was done.
template <class Make>
VerbResult on_issue(const std::string& directory, const std::string& reference,
                    const WriterArguments& writer, const std::string& said, Context& context,
                    Make&& make) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(auto store, open_writing(context, directory));
  GroupId group{};
  std::string name;
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store->snapshot());
    CAIRN_TRY_ASSIGN(group, snapshot->state().find_issue(reference));
    name = snapshot->state().short_id(group);
  }
  CAIRN_TRY_ASSIGN(const auto result, store->execute(make(group), options_of(writer)));
  CAIRN_TRY(store.finish());
  if (console.json) {
    JsonWriter json;
    begin_answer(json, result).key("issue").string(name);
    console.out.line(json.end_object().str());
  } else if (result.outcome == engine::Outcome::Stored) {
    console.out.line(
        fmt::format("{} {} ({})", name, printable(said, console.terminal.utf8), lsn_note(result)));
  } else {
    console.out.line(fmt::format("{}: {}", name, lsn_note(result)));
  }
  return ExitCode::Ok;
}

}  // namespace

VerbResult run_verb(const NoteArguments& arguments, Context& context) {
  const auto make = [&](GroupId group) {
    return model::NoteCommand{group, arguments.change, arguments.note, arguments.text};
  };
  const std::string said = fmt::format("note {}", model::note_change_name(arguments.change));
  return on_issue(arguments.store, arguments.issue, arguments.writer, said, context, make);
}

VerbResult run_verb(const AttentionArguments& arguments, Context& context) {
  const auto make = [&](GroupId group) {
    return model::AttentionCommand{group, arguments.attention, arguments.who, arguments.on};
  };
  std::string said = fmt::format("{}{}", arguments.on ? "" : "no longer ",
                                 model::attention_name(arguments.attention));
  if (arguments.attention != model::Attention::Reviewed) said += " by " + arguments.who;
  return on_issue(arguments.store, arguments.issue, arguments.writer, said, context, make);
}

VerbResult run_verb(const LinkArguments& arguments, Context& context) {
  const auto make = [&](GroupId group) {
    return model::LinkCommand{group, arguments.url, arguments.title, arguments.remove};
  };
  const std::string said =
      fmt::format("{} {}", arguments.remove ? "no longer linked to" : "linked to", arguments.url);
  return on_issue(arguments.store, arguments.issue, arguments.writer, said, context, make);
}

VerbResult run_verb(const StandingArguments& arguments, Context& context) {
  const auto make = [&](GroupId group) {
    return model::SetStandingCommand{group, arguments.standing};
  };
  const std::string said(arguments.standing == model::Standing::Kept
                             ? "no longer discarded"
                             : model::standing_name(arguments.standing));
  return on_issue(arguments.store, arguments.issue, arguments.writer, said, context, make);
}

VerbResult run_verb(const TickArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(auto store, open_writing(context, arguments.store));
  CAIRN_TRY_ASSIGN(const auto result, store->tick());
  CAIRN_TRY(store.finish());
  const bool ticked = result.outcome == engine::Outcome::Stored;
  if (console.json) {
    JsonWriter json;
    begin_answer(json, result);
    console.out.line(json.end_object().str());
  } else {
    console.out.line(ticked ? fmt::format("done what was due ({})", lsn_note(result))
                            : std::string("nothing is due"));
  }
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
