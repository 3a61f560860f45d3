// Commands about the life of an issue, held against the state.
#include <simdjson.h>

#include <algorithm>

#include "model/decide_common.h"
#include "model/regression.h"
#include "model/rules.h"

namespace cairn::model {
namespace {

Result<void> check_text(std::string_view what, std::string_view text, size_t most) {
  if (text.size() > most)
    return invalid("{} of {} bytes is too long: at most {}", what, text.size(), most);
  if (!simdjson::validate_utf8(text.data(), text.size())) return invalid("{} is not UTF-8", what);
  return {};
}

Result<void> check_person(std::string_view who) {
  if (valid_assignee(who) && simdjson::validate_utf8(who.data(), who.size())) return {};
  return invalid("'{}' is nobody: write user:ID or team:ID", who);
}

Result<void> check_snooze(const SnoozeTerms& terms) {
  if (terms.window_minutes > 0 && terms.count == 0) {
    return invalid("a window of minutes needs a count of occurrences");
  }
  if (terms.user_window_minutes > 0 && terms.users == 0) {
    return invalid("a window of minutes needs a count of users");
  }
  if (std::max(terms.window_minutes, terms.user_window_minutes) > kMaxSnoozeWindowMinutes) {
    return invalid("a window is at most {} minutes", kMaxSnoozeWindowMinutes);
  }
  if (terms.window_minutes > 0 && terms.count > kMaxSnoozeInWindow) {
    return invalid("{} occurrences within a window are too many: at most {}", terms.count,
                   kMaxSnoozeInWindow);
  }
  if (terms.users > kMaxSnoozeUsers) {
    return invalid("{} users are too many: at most {}", terms.users, kMaxSnoozeUsers);
  }
  return {};
}

Result<Resolution> complete(const State& state, const Group& group, Resolution resolution) {
  switch (resolution.kind) {
    case ResolutionKind::Now:
      break;
    case ResolutionKind::InRelease:
      if (resolution.version.empty()) return invalid("name the release that has the fix");
      CAIRN_TRY(check_text("the version of a release", resolution.version, kMaxReleaseBytes));
      if (state.releases(group.project).all().size() >= kMaxReleases &&
          state.releases(group.project).find(resolution.version) == nullptr) {
        return make_error(ErrorCode::Exhausted,
                          fmt::format("the project has {} releases already, the most there may be",
                                      kMaxReleases));
      }
      break;
    case ResolutionKind::InNextRelease:
      resolution.version = newest_release(state.releases(group.project));
      break;
    case ResolutionKind::InCommit:
      if (resolution.version.empty()) return invalid("name the commit that has the fix");
      CAIRN_TRY(check_text("a commit", resolution.version, kMaxCommitBytes));
      break;
  }
  return resolution;
}

// What of a status is beside it, and whether the group waits for the same already.
bool waits_for(const State& state, const Group& group, const StatusChanged& wish) {
  const Care& care = state.care(group.id);
  const SnoozeTerms present = care.snooze ? care.snooze->terms : SnoozeTerms{};
  return present == wish.snooze && care.resolution.value_or(Resolution{}) == wish.resolution;
}

}  // namespace

Decision decide_on(const State& state, const SetStatusCommand& command) {
  CAIRN_TRY(check_exists(state, command.group));
  const Group& group = state.group(command.group);
  Substatus substatus = command.substatus;
  if (substatus == Substatus::None) {
    substatus =
        command.snooze.empty() ? usual_substatus(command.status) : Substatus::UntilConditionMet;
  }
  CAIRN_TRY(check_visible(state, group.id, "change"));
  if (!substatus_fits(command.status, substatus)) {
    return invalid("{} is no substatus of {}", substatus_name(substatus),
                   status_name(command.status));
  }
  if (!command.snooze.empty() && substatus != Substatus::UntilConditionMet) {
    return invalid("only an issue archived until a condition is met has conditions");
  }
  CAIRN_TRY(check_snooze(command.snooze));
  if (command.resolution.kind != ResolutionKind::Now && command.status != Status::Resolved) {
    return invalid("only a resolved issue is resolved in a release or commit");
  }
  CAIRN_TRY_ASSIGN(Resolution resolution, complete(state, group, command.resolution));
  StatusChanged change{group.project,
                       group.number,
                       command.status,
                       substatus,
                       command.snooze,
                       std::move(resolution),
                       {}};
  const ShownStatus shown = state.shown_status(group.id);
  const bool same = shown.status == command.status && shown.substatus == substatus;
  if (same && waits_for(state, group, change)) return kNothingToDo;
  if (substatus == Substatus::UntilConditionMet && command.snooze.empty()) {
    return invalid("archived until which condition? Give a time, a count or a number of users");
  }
  if (substatus == Substatus::New) {
    return invalid("{} is no longer new: only an issue that was just made is; use ongoing",
                   state.short_id(group.id));
  }
  return Fact{std::move(change)};
}

Decision decide_on(const State& state, const AssignCommand& command) {
  CAIRN_TRY(check_exists(state, command.group));
  if (!command.assignee.empty() && !valid_assignee(command.assignee)) {
    return invalid("'{}' is no assignee: write user:ID or team:ID (nothing: nobody)",
                   command.assignee);
  }
  const Group& group = state.group(command.group);
  CAIRN_TRY(check_visible(state, group.id, "assign"));
  if (group.assignee == command.assignee) return kNothingToDo;
  return Fact{Assigned{group.project, group.number, command.assignee}};
}

Decision decide_on(const State& state, const SetPriorityCommand& command) {
  CAIRN_TRY(check_exists(state, command.group));
  const Group& group = state.group(command.group);
  const uint8_t priority = command.priority.value_or(state.type(group.type).default_priority);
  if (!valid_priority(priority)) {
    return invalid("priority {} is none: use 25 (low), 50 (medium) or 75 (high)", priority);
  }
  CAIRN_TRY(check_visible(state, group.id, "change"));
  const bool locked = command.priority.has_value();
  if (group.priority == priority && group.priority_locked == locked) return kNothingToDo;
  return Fact{PriorityChanged{group.project, group.number, priority, locked}};
}

Decision decide_on(const State& state, const NoteCommand& command) {
  CAIRN_TRY(check_exists(state, command.group));
  const Group& group = state.group(command.group);
  CAIRN_TRY(check_visible(state, group.id, "write a note on"));
  const Care& care = state.care(group.id);
  NoteChanged change{group.project, group.number, command.change, command.note, command.text};
  if (command.change != NoteChange::Removed) {
    if (command.text.find_first_not_of(" \t\r\n") == std::string::npos) {
      return invalid("a note needs some text");
    }
    CAIRN_TRY(check_text("a note", command.text, kMaxNoteBytes));
  }
  if (command.change == NoteChange::Added) {
    change.note = care.last_note + 1;
    if (change.note > kMaxNotes) {
      return invalid("{} had {} notes, the most there may be", state.short_id(group.id), kMaxNotes);
    }
    return Fact{std::move(change)};
  }
  const auto found = std::find_if(care.notes.begin(), care.notes.end(),
                                  [&](const Note& note) { return note.number == command.note; });
  if (found == care.notes.end()) {
    return make_error(ErrorCode::NotFound,
                      fmt::format("{} has no note {}", state.short_id(group.id), command.note));
  }
  if (command.change == NoteChange::Edited && found->text == command.text) return kNothingToDo;
  return Fact{std::move(change)};
}

Decision decide_on(const State& state, const AttentionCommand& command) {
  CAIRN_TRY(check_exists(state, command.group));
  const Group& group = state.group(command.group);
  CAIRN_TRY(check_visible(state, group.id, "turn to"));
  AttentionChanged change{group.project, group.number, command.attention, command.who, command.on};
  if (command.attention == Attention::Reviewed) {
    if (!state.for_review(group.id)) return kNothingToDo;
    change.who.clear();
    return Fact{std::move(change)};
  }
  CAIRN_TRY(check_person(command.who));
  const Care& care = state.care(group.id);
  if (command.attention == Attention::Seen) {
    if (care.seen.size() < kMaxPeople) return Fact{std::move(change)};
    return invalid("{} people saw {}, as many as are kept", kMaxPeople, state.short_id(group.id));
  }
  const auto& list =
      command.attention == Attention::Bookmarked ? care.bookmarked_by : care.subscribed_by;
  const bool is = std::binary_search(list.begin(), list.end(), command.who);
  if (is == command.on) return kNothingToDo;
  if (command.on && list.size() >= kMaxPeople) {
    return invalid("{} people are as many as {} can have", kMaxPeople, state.short_id(group.id));
  }
  return Fact{std::move(change)};
}

Decision decide_on(const State& state, const LinkCommand& command) {
  CAIRN_TRY(check_exists(state, command.group));
  const Group& group = state.group(command.group);
  CAIRN_TRY(check_visible(state, group.id, "link"));
  const auto scheme = command.url.find("://");
  const bool blanks = std::any_of(command.url.begin(), command.url.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
  });
  if (scheme == std::string::npos || scheme == 0 || blanks) {
    return invalid("'{}' is no address: write it whole, as https://host/path", command.url);
  }
  CAIRN_TRY(check_text("an address", command.url, kMaxLinkBytes));
  CAIRN_TRY(check_text("the title of a link", command.title, kMaxLinkBytes));
  const auto& links = state.care(group.id).links;
  const auto found = std::find_if(links.begin(), links.end(), [&](const ExternalLink& link) {
    return link.url == command.url;
  });
  if (command.removed && found == links.end()) return kNothingToDo;
  if (!command.removed && found != links.end() && found->title == command.title) {
    return kNothingToDo;
  }
  if (!command.removed && found == links.end() && links.size() >= kMaxLinks) {
    return invalid("{} has {} links, the most there may be", state.short_id(group.id), kMaxLinks);
  }
  return Fact{LinkChanged{group.project, group.number, command.url,
                          command.removed ? "" : command.title, command.removed}};
}

Decision decide_on(const State& state, const SetStandingCommand& command) {
  CAIRN_TRY(check_exists(state, command.group));
  const Group& group = state.group(command.group);
  const std::string name = state.short_id(group.id);
  if (group.parent != GroupId{}) {
    const std::string root = state.short_id(state.root_of(group.id));
    return conflict("{} is shown within {}: delete or discard that, or take it back", name, root);
  }
  if (group.standing == command.standing) return kNothingToDo;
  if (group.standing == Standing::Deleted) {
    return conflict("{} is deleted, which cannot be taken back", name);
  }
  return Fact{StandingChanged{group.project, group.number, command.standing}};
}

}  // namespace cairn::model
