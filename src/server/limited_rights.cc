#include "server/limited_rights.h"

#include <fmt/format.h>

#include <type_traits>

namespace cairn::server {
namespace {

// The words of a verb that name issues.
struct IssueWords {
  std::vector<std::string> words;
  bool any = false;  // the verb is about issues that it names

  void add(const std::string& word) {
    any = true;
    if (!word.empty()) words.push_back(word);
  }
  void add(const std::vector<std::string>& more) {
    any = true;
    words.insert(words.end(), more.begin(), more.end());
  }
};

IssueWords issue_words(const verbs::VerbArguments& verb) {
  IssueWords out;
  std::visit(
      [&](const auto& arguments) {
        if constexpr (requires { arguments.issue; }) out.add(arguments.issue);
        if constexpr (requires { arguments.issues; }) out.add(arguments.issues);
        if constexpr (requires { arguments.references; }) out.add(arguments.references);
        if constexpr (requires { arguments.view; }) out.add(arguments.view);
        if constexpr (requires { arguments.children; }) out.add(arguments.children);
      },
      verb);
  return out;
}

// Of rules and incidents `alert` itself finds nothing of other projects (verbs/alert_seen.h); these
// are about all of them.
bool is_about_all_alerts(const verbs::VerbArguments& verb) {
  using Action = verbs::AlertArguments::Action;
  const auto* alert = std::get_if<verbs::AlertArguments>(&verb);
  return alert != nullptr && (alert->action == Action::Tick || alert->action == Action::Stats);
}

// Of these the snapshot itself finds nothing of other projects (Snapshot::limit_to).
bool is_question(const verbs::VerbArguments& verb) {
  return std::holds_alternative<verbs::QueryArguments>(verb) ||
         std::holds_alternative<verbs::ExplainArguments>(verb) ||
         std::holds_alternative<verbs::ExportArguments>(verb);
}

}  // namespace

std::optional<Refusal> refuse_issues(const std::vector<std::string>& issues,
                                     const verbs::Rights& rights, const model::State& state) {
  if (rights.projects.empty()) return std::nullopt;
  for (const std::string& word : issues) {
    if (word.find("fingerprint:") != std::string::npos) {
      return Refusal::deny(
          "name issues by their short ids: a fingerprint may be of any project, "
          "and this token is limited to some");
    }
    const auto id = state.find_issue(word);
    if (id && rights.allow(state.group(*id).project)) continue;
    // The same for one that is not there, so that nobody can tell which there are.
    return Refusal(make_error(ErrorCode::NotFound,
                              fmt::format("no issue '{}' in the projects of this token", word)));
  }
  return std::nullopt;
}

std::optional<Refusal> refuse_beyond_projects(const verbs::Invocation& invocation,
                                              const verbs::Rights& rights,
                                              const engine::Store& store) {
  if (rights.projects.empty() || is_question(invocation.verb)) return std::nullopt;
  const IssueWords named = issue_words(invocation.verb);
  if (!named.any || is_about_all_alerts(invocation.verb)) {
    return Refusal::deny(
        fmt::format("{} cannot be limited to projects, and this token is", invocation.name));
  }
  const auto snapshot = store.snapshot();
  if (!snapshot) return snapshot.error();
  return refuse_issues(named.words, rights, (*snapshot)->state());
}

}  // namespace cairn::server
