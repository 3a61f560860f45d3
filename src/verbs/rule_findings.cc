#include "verbs/rule_findings.h"

#include <fmt/format.h>

#include <set>
#include <unordered_set>
#include <utility>

#include "verbs/command_answer.h"
#include "verbs/line_source.h"
#include "verbs/pair_reader.h"
#include "verbs/table.h"

namespace cairn::verbs {
namespace {

constexpr size_t kLinksListed = 20;

void write_links(JsonWriter& json, std::string_view key, const model::State& state,
                 const model::ViewLinks& links) {
  size_t written = 0;
  json.key(key).begin_array();
  links.for_each_view([&](GroupId view, std::span<const GroupId> children) {
    if (written++ >= kLinksListed) return;
    json.begin_object().key("view").string(state.short_id(view));
    write_names(json, "children", short_ids(state, children));
    json.end_object();
  });
  json.end_array();
}

void print_links(const model::State& state, const query::RuleFindings& findings, Console& console) {
  TextTable table(
      {{.header = "ISSUE"}, {.header = "WHAT"}, {.header = "ISSUES", .flexible = true}});
  size_t listed = 0;
  const auto list = [&](const model::ViewLinks& links, const char* what) {
    links.for_each_view([&](GroupId view, std::span<const GroupId> children) {
      if (listed++ < kLinksListed) {
        table.add({state.short_id(view), what, joined(short_ids(state, children))});
      }
    });
  };
  list(findings.links.cuts, "no longer shows");
  list(findings.links.merges, "shows");
  if (!table.empty()) console.out.write(table.render(console.terminal));
  if (listed > kLinksListed)
    console.out.line(fmt::format("and {} more", format_count(listed - kLinksListed)));
}

}  // namespace

void write_findings(JsonWriter& json, const query::RuleFindings& findings) {
  json.key("issues").unsigned_integer(findings.issues);
  json.key("without_key").unsigned_integer(findings.without_key);
  json.key("views").unsigned_integer(findings.views);
  json.key("merged").unsigned_integer(findings.links.merges.children());
  json.key("taken_out").unsigned_integer(findings.links.cuts.children());
  json.key("occurrences").unsigned_integer(findings.occurrences);
}

std::string findings_text(const query::RuleFindings& findings) {
  const auto one = [](uint64_t number) { return number == 1 ? "" : "s"; };
  const uint64_t merged = findings.links.merges.children();
  const uint64_t cut = findings.links.cuts.children();
  if (merged + cut == 0) {
    return fmt::format("{} issue{} found, nothing to do", format_count(findings.issues),
                       one(findings.issues));
  }
  const char* what = merged > 0 ? "merged into" : "taken out of";
  return fmt::format("{} issue{} {} {} ({} events)", format_count(merged + cut), one(merged + cut),
                     what, format_count(findings.views), format_count(findings.occurrences));
}

void print_trial(const model::State& state, const query::RuleFindings& findings, Console& console) {
  if (!console.json) {
    print_links(state, findings, console);
    console.out.line("would do: " + findings_text(findings));
    return;
  }
  JsonWriter json;
  json.begin_object().key("dry_run").boolean(true);
  write_findings(json, findings);
  write_links(json, "unmerges", state, findings.links.cuts);
  write_links(json, "merges", state, findings.links.merges);
  console.out.line(json.end_object().str());
}

namespace {

Result<GroupId> find_named(const model::State& state, const std::string& reference) {
  auto found = state.find_issue(reference);
  if (found.ok()) return found;
  const model::Fingerprint* known = nullptr;
  for (const auto& [id, project] : state.projects()) {
    const model::Fingerprint* here = state.find_fingerprint(id, reference);
    if (here != nullptr && known != nullptr) {
      return make_error(
          ErrorCode::InvalidArgument,
          fmt::format("several projects have the fingerprint '{}': name the issue", reference));
    }
    if (here != nullptr) known = here;
  }
  if (known != nullptr && known->leaf == GroupId{}) {
    return make_error(ErrorCode::NotFound,
                      fmt::format("the occurrences of the fingerprint '{}' are held back: it has "
                                  "no issue yet",
                                  reference));
  }
  if (known != nullptr) return known->leaf;
  return found;
}

}  // namespace

Result<query::RuleFindings> read_pairs(Files& files, const std::string& path,
                                       const model::Forest& forest) {
  CAIRN_TRY_ASSIGN(const auto lines, open_lines(files, path));
  const model::State& state = forest.state();
  query::RuleFindings out;
  std::unordered_set<GroupId> views;
  std::set<std::pair<GroupId, GroupId>> links;  // what a file says twice counts once
  PairReader reader{PairColumns()};
  bool started = false;
  while (true) {
    CAIRN_TRY_ASSIGN(const auto line, lines->next());
    if (!line) break;
    if (line->text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto wrong = [&](Error error) {
      error.message = fmt::format("{}:{}: {}", path, line->number, error.message);
      return error;
    };
    if (line->too_long) {
      return wrong(make_error(ErrorCode::Exhausted, "the line is too long to be a pair"));
    }
    if (!std::exchange(started, true)) {
      auto header = reader.start(line->text);
      if (!header.ok()) return wrong(std::move(header).error());
      if (*header) continue;
    }
    const auto pair = reader.read(line->text);
    if (!pair.ok()) return wrong(pair.error());
    auto primary = find_named(state, pair->primary);
    if (!primary.ok()) return wrong(std::move(primary).error());
    auto child = find_named(state, pair->child);
    if (!child.ok()) return wrong(std::move(child).error());
    if (state.group(*primary).project != state.group(*child).project) {
      return wrong(make_error(ErrorCode::Conflict, "these are issues of different projects"));
    }
    if (*primary == *child || !links.emplace(*primary, *child).second) continue;
    if (out.links.merges.children() == model::kMaxRegroupedGroups) {
      return wrong(make_error(
          ErrorCode::Exhausted,
          fmt::format("more than {} pairs; split the file", model::kMaxRegroupedGroups)));
    }
    out.links.merges.add(*primary, *child);
    views.insert(*primary);
    out.issues += 1;
    out.occurrences += forest.totals(*child).times_seen;
  }
  out.views = views.size();
  return out;
}

}  // namespace cairn::verbs
