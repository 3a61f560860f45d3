#include "verbs/demand.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cairn::verbs {
namespace {

constexpr std::array<std::string_view, kScopes> kScopeNames = {"read", "triage", "ingest", "admin"};

constexpr uint8_t bit(Scope scope) {
  return static_cast<uint8_t>(1u << static_cast<uint8_t>(scope));
}

constexpr Demand kAsk{Scope::Read, Place::Store};
constexpr Demand kTriage{Scope::Triage, Place::Store};
constexpr Demand kAdmin{Scope::Admin, Place::Store};
constexpr Demand kFiles{Scope::Admin, Place::Directory};

struct DemandOf {
  Demand operator()(const InitArguments&) const { return kFiles; }
  Demand operator()(const ImportArguments&) const { return {Scope::Ingest, Place::Caller}; }
  Demand operator()(const ExportArguments&) const { return kAsk; }
  Demand operator()(const QueryArguments&) const { return kAsk; }
  Demand operator()(const ExplainArguments&) const { return kAsk; }
  Demand operator()(const FieldsArguments&) const { return kAsk; }
  Demand operator()(const ParseArguments&) const { return {Scope::Read, Place::Caller}; }
  Demand operator()(const ShowArguments&) const { return kAsk; }
  Demand operator()(const HistoryArguments&) const { return kAsk; }
  Demand operator()(const EventsArguments&) const { return kAsk; }
  Demand operator()(const TagsArguments&) const { return kAsk; }
  Demand operator()(const DiffArguments&) const { return kAsk; }
  Demand operator()(const MergeArguments&) const { return kTriage; }
  Demand operator()(const MergePairsArguments&) const { return kTriage; }
  Demand operator()(const UnmergeArguments&) const { return kTriage; }
  Demand operator()(const SplitArguments&) const { return kTriage; }
  Demand operator()(const ExperimentArguments& arguments) const {
    using Action = ExperimentArguments::Action;
    const bool asks = arguments.action == Action::List || arguments.action == Action::Compare ||
                      arguments.dry_run;
    return asks ? kAsk : kTriage;
  }
  Demand operator()(const SweepArguments& arguments) const {
    return arguments.dry_run ? kAsk : kTriage;
  }
  Demand operator()(const StatusArguments&) const { return kTriage; }
  Demand operator()(const AssignArguments&) const { return kTriage; }
  Demand operator()(const PriorityArguments&) const { return kTriage; }
  Demand operator()(const StatsArguments&) const { return kAsk; }
  Demand operator()(const VerifyArguments&) const { return kFiles; }
  Demand operator()(const RebuildArguments&) const { return kFiles; }
  Demand operator()(const CompactArguments&) const { return kAdmin; }
  Demand operator()(const BackupArguments&) const { return kFiles; }
  Demand operator()(const RestoreArguments&) const { return kFiles; }
  Demand operator()(const RetainArguments&) const { return kAdmin; }
  Demand operator()(const LogArguments&) const { return kAsk; }
  Demand operator()(const ProjectsArguments& arguments) const {
    return arguments.set ? kAdmin : kAsk;
  }
  Demand operator()(const TypesArguments& arguments) const {
    return arguments.action == TypesArguments::Action::List ? kAsk : kAdmin;
  }
  Demand operator()(const NoteArguments&) const { return kTriage; }
  Demand operator()(const AttentionArguments&) const { return kTriage; }
  Demand operator()(const LinkArguments&) const { return kTriage; }
  Demand operator()(const StandingArguments&) const { return kTriage; }
  Demand operator()(const TickArguments&) const { return kTriage; }
  Demand operator()(const ReleasesArguments& arguments) const {
    return arguments.set ? kAdmin : kAsk;
  }
  Demand operator()(const AlertCheckArguments&) const { return {Scope::Read, Place::Caller}; }
  Demand operator()(const AlertTestArguments&) const { return kAsk; }
  Demand operator()(const DigestArguments&) const { return kAsk; }
  Demand operator()(const AlertArguments& arguments) const {
    using Action = AlertArguments::Action;
    const Action action = arguments.action;
    if (!writes(action)) return kAsk;
    const bool of_incident =
        action == Action::Acknowledge || action == Action::Comment || action == Action::Close;
    return of_incident ? kTriage : kAdmin;
  }
  Demand operator()(const GenerateArguments&) const { return {Scope::Read, Place::Caller}; }
  Demand operator()(const BenchArguments&) const { return {Scope::Read, Place::Caller}; }
  Demand operator()(const ReplArguments&) const { return {Scope::Read, Place::Caller}; }
  Demand operator()(const DemoArguments&) const { return {Scope::Read, Place::Caller}; }
  Demand operator()(const ServeArguments&) const { return {Scope::Admin, Place::Caller}; }
  Demand operator()(const TokenArguments&) const { return {Scope::Admin, Place::Caller}; }
};

const std::string kNoStore;

}  // namespace

std::string_view scope_name(Scope scope) { return kScopeNames[static_cast<size_t>(scope)]; }

std::optional<Scope> parse_scope(std::string_view name) {
  const auto* found = std::find(kScopeNames.begin(), kScopeNames.end(), name);
  if (found == kScopeNames.end()) return std::nullopt;
  return static_cast<Scope>(found - kScopeNames.begin());
}

Demand demand_of(const VerbArguments& verb) { return std::visit(DemandOf{}, verb); }

const std::string& store_of(const VerbArguments& verb) {
  return std::visit(
      [](const auto& arguments) -> const std::string& {
        using Verb = std::decay_t<decltype(arguments)>;
        if constexpr (std::is_same_v<Verb, ExplainArguments>) {
          return arguments.query.store;
        } else if constexpr (std::is_same_v<Verb, BenchArguments>) {
          return kNoStore;  // its own scratch store
        } else if constexpr (requires { arguments.store; }) {
          return arguments.store;
        } else {
          return kNoStore;
        }
      },
      verb);
}

FileNeeds files_of(const VerbArguments& verb) {
  FileNeeds needs;
  const auto add = [](std::vector<std::string>& to, const std::string& path) {
    if (!path.empty()) to.push_back(path);
  };
  if (const auto* merge = std::get_if<MergePairsArguments>(&verb)) {
    add(needs.read, merge->pairs);
    add(needs.added_to, merge->rejects);
  } else if (const auto* experiment = std::get_if<ExperimentArguments>(&verb)) {
    add(needs.read, experiment->pairs);
    add(needs.read, experiment->labels);
  } else if (const auto* test = std::get_if<AlertTestArguments>(&verb)) {
    if (!is_rule_number(test->rule)) add(needs.read, test->rule);
  } else if (const auto* alert = std::get_if<AlertArguments>(&verb)) {
    needs.read = alert->files;
  } else if (const auto* digest = std::get_if<DigestArguments>(&verb)) {
    if (digest->html != "-") add(needs.replaced, digest->html);
  }
  return needs;
}

bool Rights::allow(Scope scope) const { return (scopes & (bit(scope) | bit(Scope::Admin))) != 0; }

bool Rights::allow(ProjectId project) const {
  return projects.empty() || std::find(projects.begin(), projects.end(), project) != projects.end();
}

Result<void> check_rights(const Rights& rights, Scope scope, std::string_view verb) {
  if (rights.allow(scope)) return {};
  return make_error(
      ErrorCode::Denied,
      fmt::format("{} needs the scope {}, which the token does not have; ask for a token with it",
                  verb, scope_name(scope)));
}

}  // namespace cairn::verbs
