// Facts that the store itself adds to the log: that time has passed, that a release came, and what
// is forecast. Replay reads them as records.
#include "engine/hourly_counts.h"
#include "engine/store_impl.h"
#include "model/forecast.h"

namespace cairn::engine {
namespace {

// Each reads a week of an issue's occurrences while nobody else may write.
constexpr size_t kForecastsAtOnce = 1000;
// Of record time between ticks that nobody asked for.
constexpr int64_t kTickPauseUs = 60 * kMicrosPerSecond;
// A tick changes kMaxDueAtOnce groups, each once: so many ticks let all happen that is due in a
// store of a million groups. What is left comes with the next one.
constexpr int kTicksAtOnce = 64;

}  // namespace

// What is due happens before anything recorded later.
Result<void> Store::Impl::tick_if_due(TimeUs time, bool all) {
  CAIRN_TRY(tick_alerts_if_due(time, all));
  const TimeUs last = fold().state().last_tick();
  const bool begun = last != TimeUs{};
  if (!begun || raw(time) - raw(last) < kTickPauseUs || !fold().anything_due(time)) return {};
  return tick(time);
}

Result<void> Store::Impl::tick(TimeUs time) {
  model::Ticked tick;
  for (const GroupId id : fold().state().forecasts_due(time, kForecastsAtOnce)) {
    const model::Group& group = fold().state().group(id);
    auto ceilings = ceilings_of(id, time);
    // After a week of silence what was expected before it still is.
    if (ceilings.empty()) ceilings = fold().state().care(id).forecast->ceilings;
    tick.forecasts.push_back({group.project, group.number, std::move(ceilings)});
  }
  model::Record& record = pending.emplace_back();
  record.time = time;
  record.body = std::move(tick);
  CAIRN_TRY_ASSIGN([[maybe_unused]] const Lsn lsn, apply_pending());
  return {};
}

Result<void> Store::Impl::run_tick(WriteRequest& request) {
  const TimeUs time = record_time(std::nullopt, false);
  const Lsn before = fold().applied();
  CAIRN_TRY(tick_if_due(time, false));
  if (request.tick == TickWish::All) {
    for (int i = 0; i < kTicksAtOnce && fold().anything_due(time); ++i) CAIRN_TRY(tick(time));
  }
  const bool ticked = fold().applied() != before;
  request.items.push_back({ticked ? Outcome::Stored : Outcome::NoChange, fold().applied(), {}});
  return {};
}

std::vector<uint32_t> Store::Impl::ceilings_of(GroupId group, TimeUs time) const {
  return model::forecast_ceilings(hourly_counts(fold().state(), parts(), group, time), time);
}

void Store::Impl::add_forecast(model::RecordBody& body, TimeUs time) const {
  auto* change = std::get_if<model::StatusChanged>(&body);
  if (change == nullptr || change->substatus != model::Substatus::UntilEscalating) return;
  const model::Group* group = fold().state().find_group(change->project, change->number);
  change->forecast = ceilings_of(group->id, time);
}

// The first occurrence of a release registers it.
Result<void> Store::Impl::register_release(const PreparedMessages& prepared, size_t index,
                                           ProjectId project, TimeUs time) {
  const model::BatchTerm* release = nullptr;
  for (const model::BatchTerm& term : prepared.terms.terms(index)) {
    if (!term.is_tag() && term.field() == model::field::kRelease) release = &term;
  }
  if (release == nullptr) return {};
  // Which of them were looked at: what hashes alike is not registered, so rarely that it may be.
  if (!releases_met.insert(release->hash() * 31 + raw(project)).second) return {};
  const model::Releases& known = fold().state().releases(project);
  if (release->value().size() > model::kMaxReleaseBytes ||
      known.all().size() >= model::kMaxReleases || known.find(release->value()) != nullptr) {
    return {};
  }
  model::Record& record = pending.emplace_back();
  record.time = time;
  record.body = model::ReleaseChanged{project, std::string(release->value()), std::nullopt, {}};
  CAIRN_TRY_ASSIGN([[maybe_unused]] const Lsn lsn, apply_pending());
  return {};
}

}  // namespace cairn::engine
