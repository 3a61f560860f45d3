#include <unordered_set>

#include "embed/commands.h"
#include "embed/convert.h"
#include "query/parser.h"

namespace cairn::embed {
namespace {

// fn(const SnapshotCore&), on the snapshot's own thread.
template <class Fn>
auto with_snapshot(const std::unique_ptr<SnapshotCore>& core, Fn&& fn) noexcept {
  using Inner = std::invoke_result_t<Fn, const SnapshotCore&>;
  return guard(core ? core->core.get() : nullptr, [&]() -> Inner {
    if (!core) return make_error(ErrorCode::Closed, "the snapshot was moved from");
    CAIRN_TRY(core->mine());
    return fn(*core);
  });
}

// Counts every occurrence of a group and what is merged into it, hidden or not.
query::IssueRow count_all(const engine::Snapshot& snapshot, GroupId id) {
  query::IssueRow row;
  row.id = id;
  std::unordered_set<ValueId> users;
  const query::View& view = snapshot.view();
  for (const GroupId member : snapshot.forest().members(id)) {
    for (const FingerprintId fingerprint : snapshot.state().group(member).fingerprints) {
      for (const storage::Part* part : view.parts) {
        part->for_each_of(fingerprint, nullptr, [&](Ordinal ordinal) {
          ++row.count;
          users.insert(part->user(ordinal));
        });
      }
    }
  }
  users.erase(ValueId{});
  row.users = users.size();
  return row;
}

}  // namespace

Result<v1::IssuePage> search(const SnapshotCore& core, std::string_view query,
                             const v1::QueryOptions& options) {
  SteadyClock clock;
  CAIRN_TRY_ASSIGN(const auto inner, to_inner(options, core.now, clock));
  CAIRN_TRY_ASSIGN(const auto parsed, query::parse(query));
  if (query::is_aggregate(parsed)) {
    return make_error(ErrorCode::InvalidArgument, "the query asks for a table: use aggregate()");
  }
  CAIRN_TRY_ASSIGN(const auto page, core.snapshot->search(query, inner));
  return to_public(core.snapshot->forest(), page);
}

Result<v1::Table> aggregate(const SnapshotCore& core, std::string_view query,
                            const v1::QueryOptions& options) {
  SteadyClock clock;
  CAIRN_TRY_ASSIGN(const auto inner, to_inner(options, core.now, clock));
  CAIRN_TRY_ASSIGN(const auto parsed, query::parse(query));
  if (!query::is_aggregate(parsed)) {
    return make_error(ErrorCode::InvalidArgument, "the query asks for issues: use search()");
  }
  CAIRN_TRY_ASSIGN(auto table, core.snapshot->aggregate(query, inner));
  return to_public(std::move(table));
}

}  // namespace cairn::embed

namespace cairn::v1 {

using embed::SnapshotCore;
using embed::with_snapshot;
using Inner = cairn::ErrorCode;

Snapshot::Snapshot(std::unique_ptr<SnapshotCore> core) noexcept : core_(std::move(core)) {}
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;
Snapshot::~Snapshot() = default;

Lsn Snapshot::lsn() const noexcept { return core_ ? raw(core_->snapshot->lsn()) : 0; }

Result<IssuePage> Snapshot::search(std::string_view query,
                                   const QueryOptions& options) const noexcept {
  return with_snapshot(
      core_, [&](const SnapshotCore& core) { return embed::search(core, query, options); });
}

Result<Table> Snapshot::aggregate(std::string_view query,
                                  const QueryOptions& options) const noexcept {
  return with_snapshot(
      core_, [&](const SnapshotCore& core) { return embed::aggregate(core, query, options); });
}

Result<bool> Snapshot::is_aggregate(std::string_view query) noexcept {
  return embed::guard(nullptr, [&]() -> cairn::Result<bool> {
    CAIRN_TRY_ASSIGN(const auto parsed, query::parse(query));
    return query::is_aggregate(parsed);
  });
}

Result<Issue> Snapshot::issue(std::string_view reference) const noexcept {
  return with_snapshot(core_, [&](const SnapshotCore& core) -> cairn::Result<Issue> {
    CAIRN_TRY_ASSIGN(const GroupId id, embed::find_group(core.snapshot->state(), reference));
    return embed::to_public(core.snapshot->forest(), embed::count_all(*core.snapshot, id));
  });
}

Result<EventPage> Snapshot::events(std::string_view issue,
                                   const EventOptions& options) const noexcept {
  return with_snapshot(core_, [&](const SnapshotCore& core) -> cairn::Result<EventPage> {
    SteadyClock clock;
    query::EventOptions inner;
    inner.now = options.now ? embed::to_inner(*options.now) : core.now;
    inner.limit = options.limit;
    inner.cursor = options.cursor;
    inner.control = embed::to_control(options.limits, options.cancel, clock);
    const model::State& state = core.snapshot->state();
    CAIRN_TRY_ASSIGN(const GroupId group, embed::find_group(state, issue));
    CAIRN_TRY_ASSIGN(const auto found, engine::issue_events(*core.snapshot, {group, options.alone},
                                                            options.filter, inner));
    EventPage page;
    page.lsn = raw(core.snapshot->lsn());
    page.total = found.total;
    for (const auto& event : found.events) page.events.push_back(embed::to_public(state, event));
    page.next = found.next.value_or("");
    page.prev = found.prev.value_or("");
    page.warnings = found.warnings;
    return page;
  });
}

Result<std::vector<HistoryEntry>> Snapshot::history(std::string_view issue) const noexcept {
  using Entries = std::vector<HistoryEntry>;
  return with_snapshot(core_, [&](const SnapshotCore& core) -> cairn::Result<Entries> {
    const model::State& state = core.snapshot->state();
    CAIRN_TRY_ASSIGN(const GroupId group, embed::find_group(state, issue));
    CAIRN_TRY_ASSIGN(const auto found, engine::group_history(*core.snapshot, group));
    Entries entries;
    for (const auto& entry : found) entries.push_back(embed::to_public(state, entry));
    return entries;
  });
}

Result<void> Snapshot::for_each_event(
    std::string_view filter, const QueryOptions& options,
    const std::function<bool(const Event&)>& visit) const noexcept {
  return with_snapshot(core_, [&](const SnapshotCore& core) -> cairn::Result<void> {
    SteadyClock clock;
    CAIRN_TRY_ASSIGN(const auto inner, embed::to_inner(options, core.now, clock));
    bool wanted = true;
    auto walked = core.snapshot->for_each_event(
        filter, inner.now,
        [&](engine::Snapshot::Event&& event) -> cairn::Result<void> {
          wanted = visit(embed::to_public(core.snapshot->state(), event));
          if (!wanted) return make_error(Inner::Closed, "enough");
          return {};
        },
        inner.control);
    return wanted ? walked : cairn::Result<void>();
  });
}

Result<std::vector<Experiment>> Snapshot::experiments() const noexcept {
  using Experiments = std::vector<Experiment>;
  return with_snapshot(core_, [&](const SnapshotCore& core) -> cairn::Result<Experiments> {
    Experiments all;
    for (const auto& [name, experiment] : core.snapshot->state().experiments()) {
      all.push_back(embed::to_public(name, experiment));
    }
    return all;
  });
}

Result<Comparison> Snapshot::compare(std::string_view before,
                                     std::string_view after) const noexcept {
  return with_snapshot(core_, [&](const SnapshotCore& core) -> cairn::Result<Comparison> {
    CAIRN_TRY_ASSIGN(const query::View first, core.snapshot->view_in(before));
    CAIRN_TRY_ASSIGN(const query::View second, core.snapshot->view_in(after));
    return embed::to_public(query::compare_groupings(first, second, 0));
  });
}

}  // namespace cairn::v1
