#include "server/convert.h"

#include <algorithm>

#include "model/occurrence.h"

namespace cairn::server {
namespace {

IssueValue issue_value(const model::Forest& forest, const query::IssueRow& row) {
  const model::State& state = forest.state();
  const model::Group& group = state.group(row.id);
  const model::Totals totals = forest.totals(row.id);
  const model::ShownStatus shown = forest.shown_status(row.id);
  IssueValue out;
  out.id = raw(row.id);
  out.short_id = state.short_id(row.id);
  out.project = raw(group.project);
  out.title = group.title.view();
  out.status = model::status_name(shown.status);
  out.substatus = model::substatus_name(shown.substatus);
  if (totals.times_seen > 0) out.level = model::level_name(forest.face_of(row.id).level);
  out.priority = model::priority_name(group.priority);
  out.type = group.type;
  out.assignee = group.assignee.view();
  if (totals.times_seen > 0) {
    out.first_seen = totals.first_seen;
    out.last_seen = totals.last_seen;
  }
  out.times_seen = totals.times_seen;
  out.count = row.count;
  out.users = row.users;
  for (const GroupId member : forest.members(row.id)) {
    if (member != row.id) out.merged.push_back(state.short_id(member));
  }
  return out;
}

kj::StringPtr text_ptr(const std::string& text) { return {text.c_str(), text.size()}; }

template <class Init>
void write_texts(const std::vector<std::string>& texts, Init&& init) {
  if (texts.empty()) return;
  auto list = init(static_cast<kj::uint>(texts.size()));
  for (kj::uint i = 0; i < texts.size(); ++i) list.set(i, text_ptr(texts[i]));
}

struct WriteCell {
  schema::Cell::Builder out;
  void operator()(std::monostate) { out.setNone(); }
  void operator()(int64_t value) { out.setInteger(value); }
  void operator()(double value) { out.setNumber(value); }
  void operator()(const std::string& value) { out.setString(text_ptr(value)); }
  void operator()(TimeUs value) { out.setTimeUs(raw(value)); }
  void operator()(const std::vector<uint64_t>& counts) {
    auto list = out.initTrend(static_cast<kj::uint>(counts.size()));
    for (kj::uint i = 0; i < counts.size(); ++i) list.set(i, counts[i]);
  }
};

}  // namespace

PageValue page_value(const model::Forest& forest, query::SearchPage page) {
  PageValue out;
  out.lsn = page.lsn;
  out.total = page.total;
  for (const query::IssueRow& row : page.issues) out.issues.push_back(issue_value(forest, row));
  out.next = page.next.value_or("");
  out.prev = page.prev.value_or("");
  out.warnings = std::move(page.warnings);
  return out;
}

schema::ErrorCode code_of(const Refusal& refusal) {
  switch (refusal.error.code) {
    case ErrorCode::InvalidArgument:
      return schema::ErrorCode::INVALID_ARGUMENT;
    case ErrorCode::NotFound:
      return schema::ErrorCode::NOT_FOUND;
    case ErrorCode::Conflict:
      return schema::ErrorCode::CONFLICT;
    case ErrorCode::Corruption:
      return schema::ErrorCode::CORRUPTION;
    case ErrorCode::Io:
      return schema::ErrorCode::IO;
    case ErrorCode::Exhausted:
      return schema::ErrorCode::EXHAUSTED;
    case ErrorCode::Unsupported:
      return schema::ErrorCode::UNSUPPORTED;
    case ErrorCode::Closed:
      return schema::ErrorCode::CLOSED;
    case ErrorCode::Denied:
      return schema::ErrorCode::DENIED;
    case ErrorCode::Internal:
      break;
  }
  return schema::ErrorCode::INTERNAL;
}

void write_error(schema::Error::Builder out, const Refusal& refusal) {
  out.setCode(code_of(refusal));
  out.setMessage(text_ptr(refusal.error.message));
  if (refusal.error.position) {
    out.setHasPosition(true);
    out.setPosition(*refusal.error.position);
  }
  out.setRetryAfterMs(refusal.retry_after_ms);
}

void write_issue(schema::Issue::Builder out, const IssueValue& issue) {
  out.setId(issue.id);
  out.setShortId(text_ptr(issue.short_id));
  out.setProjectId(issue.project);
  out.setTitle(text_ptr(issue.title));
  out.setStatus(text_ptr(issue.status));
  out.setSubstatus(text_ptr(issue.substatus));
  out.setLevel(text_ptr(issue.level));
  out.setPriority(text_ptr(issue.priority));
  out.setType(issue.type);
  out.setAssignee(text_ptr(issue.assignee));
  out.setFirstSeenUs(raw(issue.first_seen));
  out.setLastSeenUs(raw(issue.last_seen));
  out.setTimesSeen(issue.times_seen);
  out.setCount(issue.count);
  out.setUsers(issue.users);
  write_texts(issue.merged, [&](kj::uint size) { return out.initMerged(size); });
}

void write_page(schema::Page::Builder out, const PageValue& page) {
  out.setLsn(raw(page.lsn));
  out.setTotal(page.total);
  auto issues = out.initIssues(static_cast<kj::uint>(page.issues.size()));
  for (kj::uint i = 0; i < page.issues.size(); ++i) write_issue(issues[i], page.issues[i]);
  out.setNext(text_ptr(page.next));
  out.setPrev(text_ptr(page.prev));
  write_texts(page.warnings, [&](kj::uint size) { return out.initWarnings(size); });
}

void write_table(schema::Table::Builder out, const query::Table& table) {
  out.setLsn(raw(table.lsn));
  out.setTotal(table.total);
  auto columns = out.initColumns(static_cast<kj::uint>(table.columns.size()));
  for (kj::uint i = 0; i < table.columns.size(); ++i) {
    columns[i].setName(text_ptr(table.columns[i].name));
    columns[i].setType(text_ptr(table.columns[i].type));
  }
  auto rows = out.initRows(static_cast<kj::uint>(table.rows.size()));
  for (kj::uint i = 0; i < table.rows.size(); ++i) {
    auto cells = rows.init(i, static_cast<kj::uint>(table.rows[i].size()));
    for (kj::uint j = 0; j < table.rows[i].size(); ++j) {
      std::visit(WriteCell{cells[j]}, table.rows[i][j].value);
    }
  }
  write_texts(table.warnings, [&](kj::uint size) { return out.initWarnings(size); });
}

void write_acknowledgement(schema::Acknowledgement::Builder out, const IngestAnswer& answer) {
  out.setLsn(raw(answer.lsn));
  const std::string& outcomes = answer.outcomes;
  out.setOutcomes(
      kj::arrayPtr(reinterpret_cast<const kj::byte*>(outcomes.data()), outcomes.size()));
  if (!answer.refused.empty()) {
    auto list = out.initRefused(static_cast<kj::uint>(answer.refused.size()));
    for (kj::uint i = 0; i < answer.refused.size(); ++i) {
      list[i].setIndex(answer.refused[i].index);
      write_error(list[i].initError(), answer.refused[i].error);
    }
  }
  if (answer.error) write_error(out.initError(), *answer.error);
}

void write_rights(schema::Rights::Builder out, const verbs::Rights& rights) {
  std::vector<schema::Scope> scopes;
  for (uint16_t i = 0; i < verbs::kScopes; ++i) {
    if ((rights.scopes & (1u << i)) != 0) scopes.push_back(static_cast<schema::Scope>(i));
  }
  auto list = out.initScopes(static_cast<kj::uint>(scopes.size()));
  for (kj::uint i = 0; i < scopes.size(); ++i) list.set(i, scopes[i]);
  auto projects = out.initProjects(static_cast<kj::uint>(rights.projects.size()));
  for (kj::uint i = 0; i < rights.projects.size(); ++i) projects.set(i, raw(rights.projects[i]));
}

verbs::Rights read_rights(schema::Rights::Reader in) {
  verbs::Rights rights;
  rights.scopes = 0;
  for (const schema::Scope scope : in.getScopes()) {
    const auto number = static_cast<uint16_t>(scope);
    if (number < verbs::kScopes) rights.scopes |= static_cast<uint8_t>(1u << number);
  }
  for (const uint64_t project : in.getProjects()) rights.projects.push_back(ProjectId{project});
  return rights;
}

}  // namespace cairn::server
