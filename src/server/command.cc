#include "server/command.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <type_traits>

#include "embed/convert.h"
#include "server/limited_rights.h"

namespace cairn::server {
namespace {

using Which = schema::Command::Which;

std::vector<std::string> texts_of(capnp::List<capnp::Text>::Reader list) {
  std::vector<std::string> texts;
  for (const auto text : list) texts.push_back(text_of(text));
  return texts;
}

Error wrong(std::string message) {
  return make_error(ErrorCode::InvalidArgument, std::move(message));
}

// An enumerant that both sides number alike; others are of a later version.
template <class To, class From>
Result<To> enumerant(From from, To last) {
  const auto number = static_cast<uint16_t>(from);
  if (number > static_cast<uint16_t>(last))
    return wrong("this server does not know what is wanted");
  return static_cast<To>(number);
}

std::optional<v1::Time> time_of(int64_t us) {
  if (us == 0) return std::nullopt;
  return embed::to_public(TimeUs{us});
}

Result<v1::Command> read_resolve(schema::Resolve::Reader in) {
  v1::Resolve out;
  out.issue = text_of(in.getIssue());
  CAIRN_TRY_ASSIGN(out.how, enumerant(in.getHow(), v1::Resolve::How::InCommit));
  out.version = text_of(in.getVersion());
  return v1::Command(std::move(out));
}

v1::Command read_archive(schema::Archive::Reader in) {
  v1::Archive out;
  out.issue = text_of(in.getIssue());
  out.forever = in.getForever();
  out.until = time_of(in.getUntilUs());
  out.count = in.getCount();
  out.window_minutes = in.getWindowMinutes();
  out.users = in.getUsers();
  out.user_window_minutes = in.getUserWindowMinutes();
  return out;
}

Result<v1::Command> read_attention(schema::Attention::Reader in) {
  v1::Attention out;
  out.issue = text_of(in.getIssue());
  CAIRN_TRY_ASSIGN(out.what, enumerant(in.getWhat(), v1::Attention::What::Reviewed));
  out.who = text_of(in.getWho());
  out.on = !in.getOff();
  return v1::Command(std::move(out));
}

Result<v1::Command> read_standing(schema::SetStanding::Reader in) {
  v1::SetStanding out;
  out.issue = text_of(in.getIssue());
  CAIRN_TRY_ASSIGN(out.standing, enumerant(in.getStanding(), v1::SetStanding::Standing::Discarded));
  return v1::Command(std::move(out));
}

// -1 = not given.
Result<std::optional<uint32_t>> setting(std::string_view name, int64_t value) {
  if (value == -1) return std::optional<uint32_t>();
  if (value < 0 || value > std::numeric_limits<uint32_t>::max()) {
    return wrong(fmt::format("{}: {} is out of range", name, value));
  }
  return std::optional<uint32_t>(static_cast<uint32_t>(value));
}

Result<v1::Command> read_project(schema::SetProject::Reader in) {
  using Switch = schema::SetProject::Switch;
  v1::SetProject out;
  out.project = in.getProject();
  if (in.hasSlug()) out.slug = text_of(in.getSlug());
  if (in.hasPolicy()) out.policy = text_of(in.getPolicy());
  CAIRN_TRY_ASSIGN(out.auto_resolve_hours, setting("autoResolveHours", in.getAutoResolveHours()));
  CAIRN_TRY_ASSIGN(out.escalation_threshold,
                   setting("escalationThreshold", in.getEscalationThreshold()));
  CAIRN_TRY_ASSIGN(const Switch hold_back, enumerant(in.getHoldBack(), Switch::ON));
  if (hold_back != Switch::AS_IT_IS) out.hold_back = hold_back == Switch::ON;
  return v1::Command(std::move(out));
}

v1::Command read_release(schema::SetRelease::Reader in) {
  v1::SetRelease out;
  out.project = in.getProject();
  out.version = text_of(in.getVersion());
  out.date = time_of(in.getDateUs());
  out.commits = texts_of(in.getCommits());
  return out;
}

// What groups issues; nullopt: it is another command.
std::optional<v1::Command> read_grouping(schema::Command::Reader in) {
  switch (in.which()) {
    case Which::MERGE: {
      const auto merge = in.getMerge();
      return v1::Merge{text_of(merge.getInto()), texts_of(merge.getIssues())};
    }
    case Which::MERGE_NEW: {
      const auto merge = in.getMergeNew();
      return v1::MergeNew{text_of(merge.getTitle()), texts_of(merge.getIssues())};
    }
    case Which::UNMERGE: {
      const auto unmerge = in.getUnmerge();
      return v1::Unmerge{text_of(unmerge.getView()), texts_of(unmerge.getIssues()),
                         unmerge.getNthLast()};
    }
    case Which::SPLIT: {
      const auto split = in.getSplit();
      return v1::Split{text_of(split.getIssue()), texts_of(split.getFingerprints())};
    }
    case Which::REJOIN:
      return v1::Rejoin{text_of(in.getRejoin())};
    case Which::NEW_EXPERIMENT: {
      const auto experiment = in.getNewExperiment();
      return v1::NewExperiment{text_of(experiment.getName()), experiment.getAt()};
    }
    case Which::ADD_RULE: {
      const auto add = in.getAddRule();
      return v1::AddRule{text_of(add.getExperiment()), text_of(add.getRule())};
    }
    case Which::PROMOTE_EXPERIMENT: {
      const auto promote = in.getPromoteExperiment();
      return v1::PromoteExperiment{text_of(promote.getName()), promote.getRebase()};
    }
    case Which::DROP_EXPERIMENT:
      return v1::DropExperiment{text_of(in.getDropExperiment())};
    case Which::SWEEP:
      return v1::Sweep{text_of(in.getSweep().getRule()), in.getSweep().getLimit()};
    case Which::UNDO_REGROUPING:
      return v1::UndoRegrouping{in.getUndoRegrouping()};
    default:
      return std::nullopt;
  }
}

template <class Command>
constexpr bool is_admins =
    std::is_same_v<Command, v1::SetProject> || std::is_same_v<Command, v1::SetRelease>;

// The issues that a command names; nullopt: it is about something else.
std::optional<std::vector<std::string>> issues_of(const v1::Command& command) {
  return std::visit(
      [](const auto& one) -> std::optional<std::vector<std::string>> {
        std::vector<std::string> issues;
        bool any = false;
        const auto add = [&](const std::string& word) {
          any = true;
          issues.push_back(word);
        };
        if constexpr (requires { one.issue; }) add(one.issue);
        if constexpr (requires { one.into; }) add(one.into);
        if constexpr (requires { one.view; }) add(one.view);
        if constexpr (requires { one.part; }) add(one.part);
        if constexpr (requires { one.issues; }) {
          any = true;
          issues.insert(issues.end(), one.issues.begin(), one.issues.end());
        }
        if (!any) return std::nullopt;
        return issues;
      },
      command);
}

}  // namespace

Result<v1::Command> read_command(schema::Command::Reader in) {
  if (auto grouping = read_grouping(in)) return std::move(*grouping);
  switch (in.which()) {
    case Which::RESOLVE:
      return read_resolve(in.getResolve());
    case Which::UNRESOLVE:
      return v1::Command(v1::Unresolve{text_of(in.getUnresolve())});
    case Which::ARCHIVE:
      return read_archive(in.getArchive());
    case Which::ASSIGN:
      return v1::Command(
          v1::Assign{text_of(in.getAssign().getIssue()), text_of(in.getAssign().getAssignee())});
    case Which::SET_PRIORITY: {
      const auto set = in.getSetPriority();
      return v1::Command(v1::SetPriority{text_of(set.getIssue()), text_of(set.getPriority())});
    }
    case Which::NOTE: {
      const auto note = in.getNote();
      return v1::Command(
          v1::Note{text_of(note.getIssue()), note.getNote(), text_of(note.getText())});
    }
    case Which::ATTENTION:
      return read_attention(in.getAttention());
    case Which::LINK: {
      const auto link = in.getLink();
      return v1::Command(v1::Link{text_of(link.getIssue()), text_of(link.getUrl()),
                                  text_of(link.getTitle()), link.getRemoved()});
    }
    case Which::SET_STANDING:
      return read_standing(in.getSetStanding());
    case Which::SET_PROJECT:
      return read_project(in.getSetProject());
    case Which::SET_RELEASE:
      return read_release(in.getSetRelease());
    default:
      return wrong("give a command that this server knows; ServerInfo tells its version");
  }
}

verbs::Scope scope_of(const v1::Command& command) {
  return std::visit(
      [](const auto& one) {
        return is_admins<std::decay_t<decltype(one)>> ? verbs::Scope::Admin : verbs::Scope::Triage;
      },
      command);
}

std::string_view name_of(const v1::Command& command) {
  // In the order of v1::Command.
  static constexpr std::array<std::string_view, std::variant_size_v<v1::Command>> kNames = {
      "merge",     "merge new", "unmerge", "split",    "rejoin",     "resolve",
      "unresolve", "archive",   "assign",  "priority", "note",       "attention",
      "link",      "standing",  "project", "release",  "experiment", "rule",
      "promotion", "drop",      "sweep",   "undo"};
  return kNames[command.index()];
}

Answer<v1::Executed> execute_command(Host& host, const v1::Command& command,
                                     const v1::WriteOptions& options, const verbs::Rights& rights,
                                     const query::Control& control) {
  if (!rights.projects.empty()) {
    const auto issues = issues_of(command);
    if (!issues) {
      return Refusal::deny(
          fmt::format("{} cannot be limited to projects, and this token is", name_of(command)));
    }
    const auto snapshot = host.store.snapshot();
    if (!snapshot) return Refusal(snapshot.error());
    if (auto refusal = refuse_issues(*issues, rights, (*snapshot)->state())) return *refusal;
  }
  auto done = embed::execute(host.store, command, options, control);
  if (!done) return Refusal(done.error());
  return std::move(*done);
}

void write_executed(schema::Executed::Builder out, const v1::Executed& done) {
  out.setLsn(done.lsn);
  out.setOutcome(static_cast<schema::Outcome>(done.outcome));
  out.setIssue(done.issue.c_str());
  auto issues = out.initIssues(static_cast<kj::uint>(done.issues.size()));
  for (kj::uint i = 0; i < done.issues.size(); ++i) issues.set(i, done.issues[i].c_str());
}

}  // namespace cairn::server
