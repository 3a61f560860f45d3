// Alert rules beside writing: what is folded is counted for them, ticks are logged by record time,
// and windows are filled out of the index on a thread of their own.
#include <algorithm>
#include <utility>

#include "alert/canonical.h"
#include "alert/window.h"
#include "base/caught.h"
#include "engine/alert_history.h"
#include "engine/store_impl.h"
#include "query/meter.h"

namespace cairn::engine {
namespace {

constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;
// After a longer pause rules are evaluated for its end alone.
constexpr int64_t kMostMissedUs = 1440 * kMinuteUs;
// Values of one record, far below the log's limit of a frame.
constexpr size_t kValuesOfRecord = 20'000;
// How often a list of commands looks whether somebody waits to read.
constexpr size_t kCommandsBetweenLooks = 64;
// Rules that one record makes active.
constexpr size_t kReadyAtOnce = 50'000;

constexpr TimeUs kEndOfTime{INT64_MAX};

TimeUs floor_to_minute(TimeUs time) { return TimeUs{alert::floor_to(raw(time), kMinuteUs)}; }

bool is_about_rules(const model::Record& record) {
  return std::holds_alternative<model::AlertRuleChanged>(record.body) ||
         std::holds_alternative<model::AlertStatusChanged>(record.body);
}

// That the fact is about; 0: about none, or several.
uint32_t rule_of(const std::optional<model::RecordBody>& fact) {
  if (!fact) return 0;
  if (const auto* change = std::get_if<model::AlertRuleChanged>(&*fact)) return change->rule;
  const auto* status = std::get_if<model::AlertStatusChanged>(&*fact);
  return status != nullptr && status->rules.size() == 1 ? status->rules.front() : 0;
}

}  // namespace

// --- what was folded --------------------------------------------------------------------------

Result<void> Store::Impl::load_alerts() {
  const std::string secret =
      cursor_key.key ? std::string(cursor_key.key->bytes.begin(), cursor_key.key->bytes.end()) : "";
  const uint64_t seed = hash64("alert windows" + secret);
  // Whoever recorded last looked for ticks first, up to this time.
  const TimeUs looked{raw(fold().last_time()) - options.alert_delay_us};
  CAIRN_TRY(alerting.load(alert_fold(), fold().applied(), looked, seed, *sealed->txn));
  alerts_at_work = true;
  return {};
}

// The terms of an occurrence of a batch as rules take them.
std::span<const model::Term> Store::Impl::terms_of(const model::TermBatch& batch, size_t index) {
  alert_terms.clear();
  for (const model::BatchTerm& term : batch.terms(index)) {
    if (term.is_tag()) {
      alert_terms.push_back({FieldId{0}, batch.tags()[term.tag()], term.value()});
    } else {
      alert_terms.push_back({term.field(), {}, term.value()});
    }
  }
  return alert_terms;
}

std::vector<model::AlertFired> Store::Impl::note_for_alerts(const model::Record& record, Lsn lsn,
                                                            const model::Applied& applied,
                                                            const model::TermBatch* batch,
                                                            size_t index) {
  if (!alerts_at_work) return {};
  if (is_about_rules(record)) {
    alerting.follow(record, lsn, alert_fold());
    // New and changed rules wait to be filled; a status says that some need not any more.
    if (std::holds_alternative<model::AlertStatusChanged>(record.body)) next_alert_look = TimeUs{};
    fill_alerts_later();
    return {};
  }
  if (alerting.idle()) return {};
  if (const auto* tick = std::get_if<model::AlertsTicked>(&record.body)) {
    if (!tick->more) alerting.advance(tick->tick);
    return {};
  }
  const auto* occurrence = std::get_if<model::Occurrence>(&record.body);
  if (occurrence == nullptr || batch == nullptr) {
    return alerting.watch(record, lsn, applied, nullptr, alert_fold());
  }
  const model::State& state = fold().state();
  const GroupId leaf = state.fingerprint(applied.decided_by).leaf;
  const GroupId issue = leaf == GroupId{} ? leaf : state.issue_of(leaf);
  if (issue == GroupId{}) return {};
  const query::Subject subject{*occurrence, terms_of(*batch, index), state, issue};
  alerting.add(subject, applied.decided_by, record.time);
  if (applied.touched.empty()) return {};
  return alerting.watch(record, lsn, applied, &subject, alert_fold());
}

// --- ticks ------------------------------------------------------------------------------------

// A tick is evaluated when the time of records has passed it by StoreOptions::alert_delay_us.
// `all`: no tick is left out, as record times follow the input; else after a pause the newest ones
// do.
Result<void> Store::Impl::tick_alerts_if_due(TimeUs time, bool all) {
  if (!alerts_at_work || alerting.idle() || time < next_alert_look) return {};
  const TimeUs newest = floor_to_minute(TimeUs{raw(time) - options.alert_delay_us});
  next_alert_look = TimeUs{raw(newest) + kMinuteUs + options.alert_delay_us};
  const TimeUs done = fold().alerts().last_tick().value_or(TimeUs{});
  TimeUs tick{std::max(raw(done) + kMinuteUs, raw(newest) - kMostMissedUs)};
  if (tick < newest) tick = std::max(tick, floor_to_minute(alerting.first_tick()));
  for (; tick <= newest; tick = TimeUs{raw(tick) + kMinuteUs}) {
    CAIRN_TRY(tick_alerts(tick, {newest, all}, time));
  }
  return {};
}

Result<void> Store::Impl::tick_alerts(TimeUs tick, const Alerting::Ticks& ticks, TimeUs time) {
  auto known = roots.current(fold().state(), fold().regrouped());
  auto values = alerting.evaluate(tick, ticks, alert_fold(), *known);
  roots.give_back(std::move(known));
  if (!values) return {};
  for (size_t begin = 0, end = 0;; begin = end) {
    end = std::min(values->size(), begin + kValuesOfRecord);
    // A rule takes a tick once: its values stay together.
    while (end < values->size() && (*values)[end].rule == (*values)[end - 1].rule) ++end;
    model::AlertsTicked ticked{tick, {}, end < values->size()};
    ticked.values.assign(std::make_move_iterator(values->begin() + static_cast<ptrdiff_t>(begin)),
                         std::make_move_iterator(values->begin() + static_cast<ptrdiff_t>(end)));
    model::Record& record = pending.emplace_back();
    record.time = time;
    record.body = std::move(ticked);
    CAIRN_TRY_ASSIGN([[maybe_unused]] const Lsn lsn, apply_pending());
    if (end == values->size()) return {};
  }
}

// --- filling ----------------------------------------------------------------------------------

void Store::Impl::fill_alerts_later() {
  if (!replayed || filling_posted.exchange(true)) return;
  filler.post([this] {
    filling_posted = false;
    try {
      // What cannot be filled says so in the figures; a failing disk shows at the next write.
      [[maybe_unused]] const auto ignored = fill_alerts();
    } catch (...) {
      [[maybe_unused]] const auto ignored = caught_error();
    }
  });
}

// Fills all windows that lack something, then lets rules that waited for theirs begin.
Result<void> Store::Impl::fill_alerts(const Progress& progress) {
  if (alerting.idle()) return {};
  const uint64_t total = progress ? alerting.figures(false).unfilled : 0;
  for (uint64_t done = 1; !filling_cancelled; ++done) {
    const std::lock_guard turn(fill_turn);
    CAIRN_TRY_ASSIGN(const bool more, fill_one());
    if (!more) break;
    if (total > 0) progress(std::min(done, total), total);
  }
  const std::lock_guard turn(fill_turn);
  std::vector<uint32_t> ready;
  {
    CAIRN_TRY_ASSIGN(const auto now, snapshot_of_now());
    ready = alerting.ready(now->alerts());
  }
  for (size_t begin = 0; begin < ready.size() && !filling_cancelled; begin += kReadyAtOnce) {
    const size_t end = std::min(ready.size(), begin + kReadyAtOnce);
    const alert::AlertCommand command =
        alert::RulesFilled{{ready.begin() + static_cast<ptrdiff_t>(begin),
                            ready.begin() + static_cast<ptrdiff_t>(end)}};
    WriteRequest request;
    const ExecuteOptions by_the_system;
    request.alert_commands = {&command, 1};
    request.execute = &by_the_system;
    write(request);
    if (request.error) return *std::move(request.error);
  }
  return {};
}

Result<std::unique_ptr<Snapshot>> Store::Impl::snapshot_of_now() const {
  const auto reading = lock_for_reading();
  CAIRN_TRY(check_readable());
  return take_snapshot();
}

// False: none lacks anything.
Result<bool> Store::Impl::fill_one() {
  CAIRN_TRY_ASSIGN(const auto now, snapshot_of_now());
  const auto unfilled = alerting.next_unfilled(now->alerts());
  if (!unfilled) return false;
  // It was asked for after this snapshot: the next one has what it lacks.
  if (unfilled->up_to > now->lsn()) return true;
  query::Control control;
  control.cancelled = &filling_cancelled;
  query::Meter meter(control);
  const query::View view = query::watched(now->view(), meter);
  bool outdated = false;
  const auto fill = [&]() -> Result<void> {
    CAIRN_TRY_ASSIGN(alert::BoundRule bound,
                     alert::bind_rule(unfilled->rule, now->forest(), clock->now()));
    outdated = alert::evaluation_identity(unfilled->rule, bound) != unfilled->identity;
    if (outdated) return {};
    // Conditions on the issue are asked at ticks, when they may have come to hold.
    bound.filter.expr = alert::split(bound.filter.expr).events;
    if (bound.percent_of) bound.percent_of->expr = alert::split(bound.percent_of->expr).events;
    AlertHistory history(*now, view, unfilled->rule, bound, *unfilled->evaluation,
                         {unfilled->up_to, &alerting.turn()});
    return history.feed(unfilled->from, kEndOfTime);
  };
  const auto done = fill();
  if (outdated) return true;
  if (done.ok()) {
    alerting.filled(*unfilled);
  } else if (done.error().code != ErrorCode::Closed) {
    alerting.not_filled(*unfilled, "its windows cannot be filled: " + done.error().message);
  }
  return true;
}

Result<void> Store::fill_alerts(const Progress& progress) { return impl_->fill_alerts(progress); }

AlertFigures Store::alert_figures(bool with_memory) const {
  AlertFigures figures = impl_->alerting.figures(with_memory);
  if (const auto now = impl_->snapshot_of_now(); now.ok()) {
    figures.rules = (*now)->alerts().rule_count();
  }
  return figures;
}

std::string Store::alert_trouble(uint32_t rule) const { return impl_->alerting.trouble(rule); }

Result<SubmitResult> Store::execute(std::span<const alert::AlertCommand> commands,
                                    const ExecuteOptions& how) {
  WriteRequest request;
  request.alert_commands = commands;
  request.execute = &how;
  impl_->write(request);
  return request.result();
}

Result<void> Store::Impl::run_alert_commands(WriteRequest& request, StateLock& state_lock) {
  const ExecuteOptions& how = *request.execute;
  size_t number = 0;
  for (const alert::AlertCommand& command : request.alert_commands) {
    const TimeUs time = record_time(std::nullopt, false);
    CAIRN_TRY(tick_if_due(time, false));
    // Commands of one call share its key, each with its place.
    const std::string key = number == 0 ? how.key : how.key + "#" + std::to_string(number);
    auto decided = alert::decide(fold().alerts(), command, fold().state(), time, how.actor);
    const uint32_t rule = decided.ok() ? rule_of(*decided) : 0;
    CAIRN_TRY_ASSIGN(ItemResult item,
                     store_fact(std::move(decided), time, how.actor,
                                how.key.empty() ? Hash128{} : hash128("command:" + key)));
    if (item.outcome == Outcome::Stored) item.alert_rule = rule;
    request.items.push_back(std::move(item));
    if (++number % kCommandsBetweenLooks == 0) CAIRN_TRY(let_others_in(state_lock));
  }
  return {};
}

}  // namespace cairn::engine
