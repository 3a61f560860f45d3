// Reading: one LSN of everything.
#include <fmt/format.h>

#include <algorithm>

#include "engine/store_impl.h"
#include "query/parser.h"
#include "query/profile.h"

namespace cairn::engine {
namespace {

Result<query::Query> parse_watched(std::string_view text, const query::Meter& meter) {
  const query::StageTimer timer(&meter, "parse");
  return query::parse(text);
}

}  // namespace

Snapshot::Impl::~Impl() {
  if (roots) root_cache->give_back(std::move(roots));
  if (!groupings.empty()) overlays->give_back(std::move(groupings));
}

Snapshot::Snapshot(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Snapshot::~Snapshot() = default;

Lsn Snapshot::lsn() const { return impl_->view.lsn; }
const model::State& Snapshot::state() const { return *impl_->view.state; }
const alert::AlertState& Snapshot::alerts() const { return impl_->hold.fold().alerts(); }
const query::View& Snapshot::view() const { return impl_->view; }
const Removed& Snapshot::removed() const { return impl_->removed; }

std::vector<const storage::Part*> Store::Impl::parts() const {
  std::vector<const storage::Part*> all;
  if (sealed) {
    for (const auto& part : sealed->parts) all.push_back(part.get());
  }
  if (const storage::Head* head = fold().sealing_head(); head != nullptr && head->size() > 0) {
    all.push_back(head);
  }
  if (fold().head().size() > 0) all.push_back(&fold().head());
  return all;
}

Result<TxnLease> Store::Impl::lease_txn() const {
  TxnLease lease;
  if (!env) return lease;
  if (options.read_only) {
    lease.turn = std::unique_lock(txn_turn);
    lease.txn = sealed->txn.get();
    return lease;
  }
  // Sees at least the checkpoint that the state knows of (sealing.cc).
  CAIRN_TRY_ASSIGN(lease.own, storage::ReadTxn::begin(*env));
  lease.txn = lease.own.get();
  return lease;
}

Result<std::unique_ptr<Snapshot>> Store::snapshot(std::string_view experiment) const {
  impl_->pasts.drop_old();  // who only reads makes no checkpoints
  std::unique_ptr<Snapshot> snapshot;
  {
    const auto lock = impl_->lock_for_reading();
    CAIRN_TRY(impl_->check_readable());
    CAIRN_TRY_ASSIGN(snapshot, impl_->take_snapshot());
  }
  CAIRN_TRY(snapshot->look_at(experiment));
  return snapshot;
}

Result<std::unique_ptr<Snapshot>> Store::Impl::take_snapshot() const {
  auto impl = std::make_unique<Snapshot::Impl>();
  impl->log = log.get();
  impl->root_cache = &roots;
  impl->overlays = &overlays;
  impl->hold = folds.hold();
  const Materializer& fold = impl->hold.fold();
  impl->sealed = sealed;
  if (base) impl->removed = base->removed();
  CAIRN_TRY_ASSIGN(impl->lease, lease_txn());
  impl->parts = parts();
  impl->roots = roots.current(fold.state(), fold.regrouped());
  impl->base = {fold.applied(),  &fold.state(), &fold.dictionary(),
                impl->lease.txn, impl->parts,   *impl->roots};
  impl->base.no_seal = cursor_key.failure;
  if (cursor_key.key) {
    impl->seal = {*cursor_key.key, clock->now(), base_lsn()};
    impl->base.seal = &impl->seal;
  }
  impl->base.ids = impl.get();
  impl->view = impl->base;
  return std::unique_ptr<Snapshot>(new Snapshot(std::move(impl)));
}

Result<void> Snapshot::look_at(std::string_view experiment) {
  CAIRN_TRY_ASSIGN(impl_->view, view_in(experiment));
  return {};
}

void Snapshot::limit_to(std::span<const ProjectId> projects) {
  impl_->only.assign(projects.begin(), projects.end());
  impl_->view.only = impl_->only;
  impl_->base.only = impl_->only;
}

Result<bool> Snapshot::Impl::has_id(Lsn lsn, const Uuid& id) const {
  CAIRN_TRY_ASSIGN(const model::Record record, log->read(lsn, lease.txn));
  const auto* occurrence = std::get_if<model::Occurrence>(&record.body);
  return occurrence != nullptr && (occurrence->id == id || occurrence->event_id == id);
}

Result<query::SearchPage> Snapshot::search(std::string_view text,
                                           const query::SearchOptions& options) const {
  query::Meter meter(options.control);
  if (options.control.profile != nullptr) *options.control.profile = {};
  CAIRN_TRY_ASSIGN(const query::Query parsed, parse_watched(text, meter));
  return query::search(query::watched(impl_->view, meter), parsed, options);
}

Result<query::Table> Snapshot::aggregate(std::string_view text,
                                         const query::SearchOptions& options) const {
  query::Meter meter(options.control);
  if (options.control.profile != nullptr) *options.control.profile = {};
  CAIRN_TRY_ASSIGN(const query::Query parsed, parse_watched(text, meter));
  return query::aggregate(query::watched(impl_->view, meter), parsed, options);
}

Result<model::Record> Snapshot::record(Lsn lsn) const {
  if (lsn > impl_->view.lsn || raw(lsn) == 0) {
    return make_error(ErrorCode::NotFound,
                      fmt::format("there is no record {}: the store has {} of them", raw(lsn),
                                  raw(impl_->view.lsn)));
  }
  return impl_->log->read(lsn, impl_->lease.txn);
}

Result<void> Snapshot::for_each_event(std::string_view query, TimeUs now,
                                      const std::function<Result<void>(Event&&)>& fn,
                                      const query::Control& control) const {
  query::Meter meter(control);
  CAIRN_TRY_ASSIGN(const query::Query parsed, query::parse(query));
  Result<void> outcome;
  const query::View view = query::watched(impl_->view, meter);
  CAIRN_TRY(query::for_each_match(view, parsed, now, [&](const query::Match& match) {
    auto found = record(match.lsn);
    if (!found.ok()) {
      outcome = std::move(found).error();
      return false;
    }
    auto* occurrence = std::get_if<model::Occurrence>(&found->body);
    if (occurrence == nullptr) {
      outcome = make_error(ErrorCode::Corruption,
                           fmt::format("the index takes record {} for an occurrence: run "
                                       "'cairn rebuild'",
                                       raw(match.lsn)));
      return false;
    }
    const GroupId leaf = state().fingerprint(match.fingerprint).leaf;  // shown, so it has one
    outcome = fn({match.lsn, std::move(*occurrence), match.issue, leaf});
    return outcome.ok();
  }));
  return outcome;
}

Result<std::vector<std::pair<Lsn, model::Record>>> Snapshot::history(GroupId group,
                                                                     size_t limit) const {
  std::vector<Lsn> lsns;
  if (impl_->lease.txn != nullptr) {
    CAIRN_TRY_ASSIGN(lsns, storage::activity_of(*impl_->lease.txn, group));
    // As of a moment, the index knows of later ones.
    lsns.erase(std::upper_bound(lsns.begin(), lsns.end(), lsn()), lsns.end());
  }
  CAIRN_TRY_ASSIGN(const Lsn indexed, indexed_by(impl_->lease.txn));
  impl_->hold.fold().for_each_tail(indexed, [&](const Tail& tail) {
    for (const auto& [touched, lsn] : tail.activity) {
      if (touched == group) lsns.push_back(lsn);
    }
  });
  if (lsns.size() > limit) lsns.erase(lsns.begin(), lsns.end() - static_cast<ptrdiff_t>(limit));
  std::vector<std::pair<Lsn, model::Record>> found;
  for (const Lsn lsn : lsns) {
    CAIRN_TRY_ASSIGN(auto entry, record(lsn));
    found.emplace_back(lsn, std::move(entry));
  }
  return found;
}

}  // namespace cairn::engine
