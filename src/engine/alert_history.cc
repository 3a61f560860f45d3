#include "engine/alert_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <variant>

#include "query/meter.h"
#include "query/plan.h"

namespace cairn::engine {
namespace {

using alert::Side;
using query::Block;
using query::Expr;

constexpr size_t kMaxKeptValues = 1u << 18;     // texts of values at hand
constexpr uint64_t kRecordsPerLook = 1u << 10;  // read before the meter is asked

Expr joined(std::vector<Expr> all) {
  std::erase_if(all, [](const Expr& one) { return one.kind == Expr::Kind::True; });
  return all.size() == 1 ? std::move(all.front()) : Expr::all_of(std::move(all));
}

Expr in_projects(const Expr& filter, const alert::Rule& rule) {
  if (rule.projects.empty()) return filter;
  query::GroupTest test;
  test.field = query::GroupField::Project;
  for (const ProjectId project : rule.projects) test.numbers.push_back(raw(project));
  std::vector<Expr> both;
  both.push_back(filter);
  both.push_back(Expr::of(std::move(test)));
  return joined(std::move(both));
}

}  // namespace

AlertHistory::AlertHistory(const Snapshot& snapshot, const query::View& view,
                           const alert::Rule& rule, const alert::BoundRule& bound,
                           alert::Evaluation& evaluation, const Options& options)
    : snapshot_(snapshot), view_(view), evaluation_(evaluation), options_(options) {
  filters_.push_back({Side::Counted, in_projects(bound.filter.expr, rule)});
  if (bound.percent_of) {
    filters_.push_back({Side::Whole, in_projects(bound.percent_of->expr, rule)});
  }
  need(bound.call->field);
  need(bound.group_by);
}

Result<void> AlertHistory::feed(TimeUs begin, TimeUs end, std::vector<Seen>* counted) {
  for (const auto& [side, filter] : filters_) {
    query::TimeTest time;
    time.range = {begin, end};
    std::vector<Expr> both;
    both.push_back(filter);
    both.push_back(Expr::of(std::move(time)));
    CAIRN_TRY_ASSIGN(const query::Plan plan, query::make_plan(view_, joined(std::move(both))));
    query::GroupFilter groups(view_, plan.group_filter);
    const auto parts = query::match_parts(view_, plan, groups, query::GroupFilterIn::Matches);
    for (const query::PartMatch& match : parts) {
      CAIRN_TRY(feed_part(side, match, side == Side::Counted ? counted : nullptr));
    }
    CAIRN_TRY(query::check(view_.meter));
  }
  return {};
}

void AlertHistory::need(const std::optional<query::RowKey>& key) {
  if (!key || key->kind != query::RowKey::Kind::Event) return;
  NeededField field{&*key, key->field.id};
  if (key->field.id == FieldId{0}) field.column = view_.dictionary->find_tag(key->field.tag);
  needed_.push_back(field);
}

// Bodies are read only where the index keeps no column of a field that is needed.
Result<void> AlertHistory::feed_part(Side side, const query::PartMatch& match,
                                     std::vector<Seen>* counted) {
  const bool columns = std::all_of(needed_.begin(), needed_.end(), [&](const NeededField& field) {
    return !field.column || match.part->has_column(*field.column);
  });
  std::vector<Seen> bodies;
  Result<void> outcome;
  match.for_each_block([&](const Block& block) {
    if (!outcome.ok()) return;
    seen_.resize(block.size());
    read(block);
    if (counted != nullptr) counted->insert(counted->end(), seen_.begin(), seen_.end());
    if (columns) {
      outcome = feed_columns(side, block);
    } else {
      bodies.insert(bodies.end(), seen_.begin(), seen_.end());
    }
  });
  CAIRN_TRY(outcome);
  return feed_bodies(side, bodies);
}

void AlertHistory::read(const Block& block) {
  std::array<Lsn, Block::kSize> lsns;
  std::array<TimeUs, Block::kSize> times;
  std::array<FingerprintId, Block::kSize> fingerprints;
  block.lsns(lsns.data());
  block.times(times.data());
  block.fingerprints(fingerprints.data());
  for (size_t i = 0; i < block.size(); ++i) seen_[i] = {lsns[i], times[i], fingerprints[i]};
}

Result<void> AlertHistory::feed_columns(Side side, const Block& block) {
  std::vector<std::array<ValueId, Block::kSize>> columns(needed_.size());
  for (size_t f = 0; f < needed_.size(); ++f) {
    columns[f].fill(ValueId{0});
    if (needed_[f].column) block.column(*needed_[f].column, columns[f].data());
  }
  std::vector<model::Term> terms;
  const auto turn = take_turn();
  for (size_t i = 0; i < block.size(); ++i) {
    if (seen_[i].lsn > options_.up_to) continue;
    terms.clear();
    if (values_.size() > kMaxKeptValues) values_.clear();
    for (size_t f = 0; f < needed_.size(); ++f) {
      if (columns[f][i] == ValueId{0}) continue;
      CAIRN_TRY_ASSIGN(const std::string_view text, value(*needed_[f].column, columns[f][i]));
      const query::EventField& field = needed_[f].key->field;
      terms.push_back({field.id, field.tag, text});
    }
    light_.project = view_.state->fingerprint(seen_[i].fingerprint).project;
    light_.detection_time =
        static_cast<double>(raw(seen_[i].time)) / static_cast<double>(kMicrosPerSecond);
    evaluation_.add(side, light_, terms, seen_[i].fingerprint, seen_[i].time);
  }
  return {};
}

// The text lives until values_ is cleared.
Result<std::string_view> AlertHistory::value(FieldId field, ValueId id) {
  const uint64_t both = (uint64_t{raw(field)} << 32) | raw(id);
  const auto known = values_.find(both);
  if (known != values_.end()) return std::string_view(known->second);
  CAIRN_TRY_ASSIGN(std::string text, view_.dictionary->value(field, id, view_.txn));
  return std::string_view(values_.emplace(both, std::move(text)).first->second);
}

Result<void> AlertHistory::feed_bodies(Side side, std::vector<Seen>& bodies) {
  std::sort(bodies.begin(), bodies.end(),
            [](const Seen& a, const Seen& b) { return a.lsn < b.lsn; });
  uint64_t done = 0;
  for (const Seen& one : bodies) {
    if (one.lsn > options_.up_to) break;
    if (++done % kRecordsPerLook == 0) CAIRN_TRY(query::check(view_.meter));
    CAIRN_TRY_ASSIGN(const model::Record record, snapshot_.record(one.lsn));
    const auto* occurrence = std::get_if<model::Occurrence>(&record.body);
    if (occurrence == nullptr) {
      return make_error(ErrorCode::Corruption,
                        fmt::format("the index takes record {} for an occurrence: run "
                                    "'cairn rebuild'",
                                    raw(one.lsn)));
    }
    const auto turn = take_turn();
    evaluation_.add(side, *occurrence, extractor_.extract(*occurrence), one.fingerprint, one.time);
  }
  return {};
}

std::unique_lock<std::mutex> AlertHistory::take_turn() const {
  return options_.turn == nullptr ? std::unique_lock<std::mutex>()
                                  : std::unique_lock<std::mutex>(*options_.turn);
}

}  // namespace cairn::engine
