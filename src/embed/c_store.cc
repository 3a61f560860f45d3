// cairn.h: errors, stores, what asks and what it answers.
#include <algorithm>
#include <new>

#include "embed/c_handles.h"

namespace cairn::c {
namespace {

// Given out when there is no memory for an error of its own; never written to, never freed.
const cairn_error* no_memory() noexcept {
  // Short enough to need no memory itself.
  static const cairn_error error{{ErrorCode::Exhausted, "out of memory", {}}};
  return &error;
}

std::optional<Time> time_of(int64_t us) {
  if (us == 0) return std::nullopt;
  return Time(std::chrono::microseconds(us));
}

}  // namespace

cairn_status fail_without_memory(cairn_error** out) noexcept {
  if (out != nullptr) *out = const_cast<cairn_error*>(no_memory());
  return CAIRN_EXHAUSTED;
}

cairn_status fail(const Error& error, cairn_error** out) noexcept {
  if (out == nullptr) return static_cast<cairn_status>(error.code);
  try {
    *out = new cairn_error{error};
  } catch (...) {
    fail_without_memory(out);
  }
  return static_cast<cairn_status>(error.code);
}

QueryOptions query_options(const cairn_query_options* given) {
  const cairn_query_options all = complete(given);
  QueryOptions options;
  options.sort = text(all.sort);
  if (all.limit != 0) options.limit = all.limit;
  options.cursor = text(all.cursor);
  options.now = time_of(all.now_us);
  options.trend_buckets = all.trend_buckets;
  options.trend_bucket = std::chrono::seconds(all.trend_bucket_seconds);
  options.user = text(all.user);
  options.limits.time = std::chrono::milliseconds(all.limit_ms);
  options.limits.memory_bytes = all.limit_memory_bytes;
  options.limits.rows_examined = all.limit_rows_examined;
  if (all.cancel != nullptr) options.cancel = &all.cancel->flag;
  return options;
}

SnapshotOptions snapshot_options(const cairn_moment* given) {
  const cairn_moment all = complete(given);
  SnapshotOptions options;
  if (all.as_of_lsn != 0) options.as_of.lsn = all.as_of_lsn;
  options.as_of.time = time_of(all.as_of_us);
  options.experiment = text(all.experiment);
  options.at_least = all.at_least;
  return options;
}

WriteOptions write_options(const cairn_write_options* given) {
  const cairn_write_options all = complete(given);
  return {text(all.actor), text(all.key)};
}

}  // namespace cairn::c

using namespace cairn::c;  // NOLINT: the functions below have no namespace of their own

// --- errors -------------------------------------------------------------------------------------

cairn_status cairn_error_status(const cairn_error* error) {
  return error == nullptr ? CAIRN_OK : static_cast<cairn_status>(error->error.code);
}
const char* cairn_error_message(const cairn_error* error) {
  return error == nullptr ? "" : error->error.message.c_str();
}
int64_t cairn_error_position(const cairn_error* error) {
  return error == nullptr || !error->error.position ? -1 : int64_t{*error->error.position};
}
void cairn_error_free(cairn_error* error) {
  if (error != no_memory()) delete error;
}
const char* cairn_status_name(cairn_status status) {
  return status == CAIRN_OK ? "ok" : cairn::error_code_name(static_cast<cairn::ErrorCode>(status));
}
const char* cairn_version(void) { return cairn::version(); }

// --- the store ----------------------------------------------------------------------------------

cairn_status cairn_open(const char* directory, const cairn_open_options* options,
                        cairn_store** store, cairn_error** error) {
  return make(store, error, [&] {
    const cairn_open_options all = complete(options);
    cairn::OpenOptions how;
    how.read_only = all.read_only != 0;
    how.create = all.must_exist == 0;
    how.head_limit = all.head_limit;
    how.log_file_bytes = all.log_file_bytes;
    how.index_map_bytes = all.index_map_bytes;
    return cairn::Store::open(text(directory), how);
  });
}

cairn_status cairn_close(cairn_store* store, cairn_error** error) {
  if (store == nullptr) return CAIRN_OK;
  const cairn_status status = run(error, [&] { return store->store.close(); });
  if (status != CAIRN_CONFLICT) delete store;
  return status;
}

cairn_status cairn_refresh(cairn_store* store, cairn_error** error) {
  return run(error, [&] { return store->store.refresh(); });
}

cairn_status cairn_checkpoint(cairn_store* store, cairn_error** error) {
  return run(error, [&] { return store->store.checkpoint(); });
}

cairn_status cairn_backup(const cairn_store* store, const char* destination, cairn_error** error) {
  return run(error, [&] { return store->store.backup(text(destination)); });
}

cairn_status cairn_get_stats(const cairn_store* store, cairn_stats* stats, cairn_error** error) {
  *stats = {};
  return guard(error, [&] {
    const auto found = store->store.stats();
    if (!found.ok()) return fail(found.error(), error);
    *stats = {found->last_lsn,  found->checkpoint_lsn, found->occurrences,
              found->issues,    found->hidden,         found->projects,
              found->log_bytes, found->index_bytes,    found->segments};
    return CAIRN_OK;
  });
}

// --- snapshots ----------------------------------------------------------------------------------

cairn_status cairn_snapshot_take(const cairn_store* store, const cairn_moment* moment,
                                 cairn_snapshot** snapshot, cairn_error** error) {
  return make(snapshot, error, [&] { return store->store.snapshot(snapshot_options(moment)); });
}
uint64_t cairn_snapshot_lsn(const cairn_snapshot* snapshot) { return snapshot->snapshot.lsn(); }
void cairn_snapshot_free(cairn_snapshot* snapshot) { delete snapshot; }

cairn_cancellation* cairn_cancellation_new(void) { return new (std::nothrow) cairn_cancellation; }
void cairn_cancel(cairn_cancellation* cancellation) { cancellation->flag.cancel(); }
void cairn_cancellation_reset(cairn_cancellation* cancellation) { cancellation->flag.reset(); }
void cairn_cancellation_free(cairn_cancellation* cancellation) { delete cancellation; }

// --- issues -------------------------------------------------------------------------------------

namespace {

cairn_issue issue_of(const cairn::Issue& issue, const std::vector<const char*>& merged) {
  cairn_issue out{};
  out.id = issue.id;
  out.short_id = issue.short_id.c_str();
  out.project = issue.project;
  out.title = issue.title.c_str();
  out.status = issue.status.c_str();
  out.substatus = issue.substatus.c_str();
  out.level = issue.level.c_str();
  out.priority = issue.priority.c_str();
  out.assignee = issue.assignee.c_str();
  out.type = issue.type;
  out.times_seen = issue.times_seen;
  if (issue.first_seen) out.first_seen_us = issue.first_seen->time_since_epoch().count();
  if (issue.last_seen) out.last_seen_us = issue.last_seen->time_since_epoch().count();
  out.count = issue.count;
  out.users = issue.users;
  out.trend = issue.trend.data();
  out.trend_size = issue.trend.size();
  out.merged = merged.data();
  out.merged_size = merged.size();
  return out;
}

}  // namespace

cairn_page::cairn_page(cairn::IssuePage&& page) : value(std::move(page)) {
  merged.reserve(value.issues.size());
  for (const cairn::Issue& issue : value.issues) {
    auto& names = merged.emplace_back();
    for (const std::string& name : issue.merged) names.push_back(name.c_str());
    issues.push_back(issue_of(issue, names));
  }
}

cairn_status cairn_search(const cairn_store* store, const char* query,
                          const cairn_query_options* options, const cairn_moment* moment,
                          cairn_page** page, cairn_error** error) {
  return make(page, error, [&] {
    return store->store.search(text(query), query_options(options), snapshot_options(moment));
  });
}

cairn_status cairn_snapshot_search(const cairn_snapshot* snapshot, const char* query,
                                   const cairn_query_options* options, cairn_page** page,
                                   cairn_error** error) {
  return make(page, error,
              [&] { return snapshot->snapshot.search(text(query), query_options(options)); });
}

cairn_status cairn_snapshot_issue(const cairn_snapshot* snapshot, const char* issue,
                                  cairn_page** page, cairn_error** error) {
  return make(page, error, [&]() -> cairn::Result<cairn::IssuePage> {
    auto found = snapshot->snapshot.issue(text(issue));
    if (!found) return found.error();
    cairn::IssuePage one;
    one.lsn = snapshot->snapshot.lsn();
    one.total = 1;
    one.issues.push_back(std::move(found).value());
    return one;
  });
}

uint64_t cairn_page_lsn(const cairn_page* page) { return page->value.lsn; }
uint64_t cairn_page_total(const cairn_page* page) { return page->value.total; }
size_t cairn_page_size(const cairn_page* page) { return page->issues.size(); }
const cairn_issue* cairn_page_issue(const cairn_page* page, size_t index) {
  return index < page->issues.size() ? &page->issues[index] : nullptr;
}
const char* cairn_page_next(const cairn_page* page) { return page->value.next.c_str(); }
const char* cairn_page_prev(const cairn_page* page) { return page->value.prev.c_str(); }
void cairn_page_free(cairn_page* page) { delete page; }

// --- tables -------------------------------------------------------------------------------------

cairn_status cairn_aggregate(const cairn_store* store, const char* query,
                             const cairn_query_options* options, const cairn_moment* moment,
                             cairn_table** table, cairn_error** error) {
  return make(table, error, [&] {
    return store->store.aggregate(text(query), query_options(options), snapshot_options(moment));
  });
}

cairn_status cairn_snapshot_aggregate(const cairn_snapshot* snapshot, const char* query,
                                      const cairn_query_options* options, cairn_table** table,
                                      cairn_error** error) {
  return make(table, error,
              [&] { return snapshot->snapshot.aggregate(text(query), query_options(options)); });
}

uint64_t cairn_table_lsn(const cairn_table* table) { return table->value.lsn; }
uint64_t cairn_table_total(const cairn_table* table) { return table->value.total; }
size_t cairn_table_rows(const cairn_table* table) { return table->value.rows.size(); }
size_t cairn_table_columns(const cairn_table* table) { return table->value.columns.size(); }
const char* cairn_table_column_name(const cairn_table* table, size_t column) {
  return column < table->value.columns.size() ? table->value.columns[column].name.c_str() : "";
}

cairn_cell cairn_table_cell(const cairn_table* table, size_t row, size_t column) {
  struct Visitor {
    cairn_cell& cell;
    void operator()(std::monostate) const {}
    void operator()(int64_t value) const {
      cell.kind = CAIRN_CELL_INTEGER;
      cell.integer = value;
    }
    void operator()(double value) const {
      cell.kind = CAIRN_CELL_NUMBER;
      cell.number = value;
    }
    void operator()(const std::string& value) const {
      cell.kind = CAIRN_CELL_TEXT;
      cell.text = value.c_str();
    }
    void operator()(cairn::Time value) const {
      cell.kind = CAIRN_CELL_TIME;
      cell.integer = value.time_since_epoch().count();
    }
    void operator()(const std::vector<uint64_t>& counts) const {
      cell.kind = CAIRN_CELL_TREND;
      cell.trend = counts.data();
      cell.trend_size = counts.size();
    }
  };
  cairn_cell cell{};
  cell.text = "";
  const auto& rows = table->value.rows;
  if (row < rows.size() && column < rows[row].size()) std::visit(Visitor{cell}, rows[row][column]);
  return cell;
}

void cairn_table_free(cairn_table* table) { delete table; }

// --- events and history -------------------------------------------------------------------------

cairn_status cairn_snapshot_events(const cairn_snapshot* snapshot, const char* issue,
                                   const char* filter, const cairn_query_options* options,
                                   cairn_events** events, cairn_error** error) {
  return make(events, error, [&] {
    const cairn::QueryOptions how = query_options(options);
    cairn::EventOptions wanted;
    wanted.filter = text(filter);
    wanted.now = how.now;
    wanted.limit = how.limit;
    wanted.cursor = how.cursor;
    wanted.limits = how.limits;
    wanted.cancel = how.cancel;
    return snapshot->snapshot.events(text(issue), wanted);
  });
}

uint64_t cairn_events_total(const cairn_events* events) { return events->value.total; }
size_t cairn_events_size(const cairn_events* events) { return events->value.events.size(); }
cairn_event cairn_events_event(const cairn_events* events, size_t index) {
  if (index >= events->value.events.size()) return {0, 0, "", "", "", ""};
  const cairn::Event& event = events->value.events[index];
  return {event.lsn,          event.time.time_since_epoch().count(),
          event.id.c_str(),   event.issue.c_str(),
          event.leaf.c_str(), event.json.c_str()};
}
const char* cairn_events_next(const cairn_events* events) { return events->value.next.c_str(); }
void cairn_events_free(cairn_events* events) { delete events; }

cairn_status cairn_snapshot_history(const cairn_snapshot* snapshot, const char* issue,
                                    cairn_history** history, cairn_error** error) {
  return make(history, error, [&] { return snapshot->snapshot.history(text(issue)); });
}

size_t cairn_history_size(const cairn_history* history) { return history->value.size(); }
cairn_history_entry cairn_history_at(const cairn_history* history, size_t index) {
  if (index >= history->value.size()) return {0, 0, "", "", "", "", ""};
  const cairn::HistoryEntry& entry = history->value[index];
  return {entry.lsn,           entry.time.time_since_epoch().count(),
          entry.actor.c_str(), entry.issue.c_str(),
          entry.what.c_str(),  entry.before.c_str(),
          entry.after.c_str()};
}
void cairn_history_free(cairn_history* history) { delete history; }
