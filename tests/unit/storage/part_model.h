// A part of the index the slow and obvious way: rows in a vector, every question a scan. Head and
// sealed segment have to give the same answers; as they number rows differently, answers are
// compared by LSN.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "model/field.h"
#include "storage/head.h"
#include "storage/part.h"

namespace cairn::testing {

using Term = std::pair<FieldId, ValueId>;

struct ModelRow {
  Lsn lsn{};
  TimeUs time{};
  ProjectId project{};
  FingerprintId fingerprint{};
  uint64_t id_hash = 0;
  std::vector<Term> terms;
  uint32_t event_hash = 0;  // now and then none, or one that others have
};

struct PartModel {
  std::vector<ModelRow> rows;

  using Lsns = std::set<uint64_t>;
  template <class Keep>
  Lsns where(Keep&& keep) const {
    Lsns lsns;
    for (const ModelRow& row : rows) {
      if (keep(row)) lsns.insert(raw(row.lsn));
    }
    return lsns;
  }
  static std::optional<ValueId> value(const ModelRow& row, FieldId field) {
    for (const Term& term : row.terms) {
      if (term.first == field) return term.second;
    }
    return std::nullopt;
  }
  static bool has(const ModelRow& row, FieldId field, ValueId value) {
    return std::find(row.terms.begin(), row.terms.end(), Term{field, value}) != row.terms.end();
  }
  std::map<FieldId, std::set<ValueId>> values() const {
    std::map<FieldId, std::set<ValueId>> values;
    for (const ModelRow& row : rows) {
      for (const auto& [field, value] : row.terms) values[field].insert(value);
    }
    return values;
  }
};

struct ModelShape {
  uint32_t rows = 1000;
  uint32_t fingerprints = 40;
  uint32_t values = 300;  // of the fields with many; others have few
  bool shuffled_times = true;
};

// Rows with low- and high-cardinality fields, a field with several values a row, some fields
// absent, times partly out of order, ties of time.
inline PartModel random_part(const ModelShape& shape, uint64_t seed) {
  std::mt19937_64 rng(seed);
  const auto below = [&](uint64_t n) { return rng() % n; };
  PartModel model;
  int64_t now = 1'700'000'000'000'000;
  for (uint32_t i = 0; i < shape.rows; ++i) {
    ModelRow row;
    now += static_cast<int64_t>(below(3)) * 250'000;
    row.lsn = Lsn{1000 + i * 2 + below(2)};
    row.time = TimeUs{now - (shape.shuffled_times ? static_cast<int64_t>(below(4)) * 900'000 : 0)};
    // Squared: a few fingerprints are frequent. A fingerprint belongs to one project.
    const double skew = static_cast<double>(below(1000)) / 1000;
    row.fingerprint = FingerprintId{1 + static_cast<uint32_t>(skew * skew * shape.fingerprints)};
    row.project = ProjectId{1 + (raw(row.fingerprint) * 7) % 3};
    row.id_hash = rng();
    row.event_hash = below(5) == 0 ? static_cast<uint32_t>(below(4)) : static_cast<uint32_t>(rng());
    const auto add = [&](FieldId field, uint64_t value) {
      const Term term{field, ValueId{static_cast<uint32_t>(value)}};
      if (!PartModel::has(row, field, term.second)) row.terms.push_back(term);
    };
    add(model::field::kLevel, 1 + below(5));
    add(model::field::kEnvironment, below(10) == 0 ? 2 : 1);
    if (below(3) != 0) add(model::field::kUser, 1 + below(shape.values));
    add(model::field::kTitle, raw(row.fingerprint));
    for (uint64_t n = below(4); n > 0; --n) add(model::field::kErrorType, 1 + below(20));
    if (below(2) == 0) add(model::field::kTrace, 5'000'000 + i);
    if (below(50) == 0) add(FieldId{64}, 1 + below(3));
    if (below(5) != 0) add(model::field::kRelease, 1 + below(60));
    model.rows.push_back(std::move(row));
  }
  return model;
}

inline void fill(storage::Head& head, const PartModel& model) {
  for (const ModelRow& row : model.rows) {
    head.add(
        {row.lsn, row.time, row.project, row.fingerprint, row.id_hash, row.terms, row.event_hash});
  }
}

inline PartModel::Lsns lsns_of(const storage::Part& part, const storage::Bitmap& bitmap) {
  PartModel::Lsns lsns;
  bitmap.for_each([&](Ordinal o) {
    if (o >= part.size()) FAIL("ordinal " << o << " is outside");
    lsns.insert(lsns.end(), raw(part.lsn(o)));
  });
  return lsns;
}

inline void check_columns(const storage::Part& part, const PartModel& model) {
  REQUIRE(part.size() == model.rows.size());
  std::map<uint64_t, const ModelRow*> by_lsn;
  TimeUs min = model.rows[0].time, max = min;
  for (const ModelRow& row : model.rows) {
    by_lsn[raw(row.lsn)] = &row;
    min = std::min(min, row.time);
    max = std::max(max, row.time);
  }
  CHECK(part.min_time() == min);
  CHECK(part.max_time() == max);
  for (Ordinal o = 0; o < part.size(); ++o) {
    const auto it = by_lsn.find(raw(part.lsn(o)));
    REQUIRE(it != by_lsn.end());
    const ModelRow& row = *it->second;
    by_lsn.erase(it);
    const ValueId user = PartModel::value(row, model::field::kUser).value_or(ValueId{});
    if (part.time(o) != row.time || part.fingerprint(o) != row.fingerprint ||
        part.user(o) != user) {
      FAIL("columns of LSN " << raw(row.lsn) << " differ");
    }
    const std::vector<Ordinal> found = part.find_id(row.id_hash);
    if (std::find(found.begin(), found.end(), o) == found.end()) {
      FAIL("LSN " << raw(row.lsn) << " is not found by its id");
    }
  }
  CHECK(by_lsn.empty());
  CHECK(part.find_id(0x1234567890abcdef).empty());
}

inline void check_postings(const storage::Part& part, const PartModel& model) {
  const auto values = model.values();
  std::vector<FieldId> fields;
  for (const auto& [field, ids] : values) fields.push_back(field);
  REQUIRE(part.fields() == fields);
  for (const auto& [f, ids] : values) {
    const FieldId field = f;
    REQUIRE(part.value_count(field) == ids.size());
    REQUIRE(lsns_of(part, part.any(field)) == model.where([&](const ModelRow& row) {
      return PartModel::value(row, field).has_value();
    }));
    std::map<ValueId, PartModel::Lsns> expected;
    for (const ModelRow& row : model.rows) {
      for (const auto& [term_field, value] : row.terms) {
        if (term_field == field) expected[value].insert(raw(row.lsn));
      }
    }
    for (const auto& [value, lsns] : expected) {
      const bool same = lsns_of(part, part.posting(field, value)) == lsns &&
                        part.posting_cardinality(field, value) == lsns.size();
      if (!same) FAIL("posting " << raw(field) << '.' << raw(value) << " differs");
    }
    std::map<ValueId, PartModel::Lsns> seen;
    ValueId last{};
    part.for_each_value(field, [&](ValueId value, const storage::Bitmap& bitmap) {
      if (!seen.empty() && last >= value) FAIL("values do not ascend");
      last = value;
      seen[value] = lsns_of(part, bitmap);
      return true;
    });
    REQUIRE(seen == expected);
    seen.clear();
    part.for_each_posting(field, [&](ValueId value, std::span<const Ordinal> ordinals) {
      const bool ascending = std::is_sorted(ordinals.begin(), ordinals.end());
      if (!ascending || (!seen.empty() && last >= value)) FAIL("postings do not ascend");
      last = value;
      for (const Ordinal ordinal : ordinals) seen[value].insert(raw(part.lsn(ordinal)));
      return true;
    });
    REQUIRE(seen == expected);
    int calls = 0;
    part.for_each_value(field, [&](ValueId, const storage::Bitmap&) { return ++calls < 2; });
    CHECK(calls == static_cast<int>(std::min<size_t>(2, ids.size())));
    calls = 0;
    part.for_each_posting(field, [&](ValueId, std::span<const Ordinal>) { return ++calls < 2; });
    CHECK(calls == static_cast<int>(std::min<size_t>(2, ids.size())));
    CHECK(part.posting(field, ValueId{UINT32_MAX - 7}).empty());
    CHECK(part.posting_cardinality(field, ValueId{0}) == 0);
  }
  const FieldId unknown{999};
  CHECK(part.posting(unknown, ValueId{1}).empty());
  CHECK(part.posting_cardinality(unknown, ValueId{1}) == 0);
  CHECK(part.any(unknown).empty());
  CHECK(part.value_count(unknown) == 0);
  part.for_each_value(unknown, [](ValueId, const storage::Bitmap&) -> bool {
    FAIL("a value of an unknown field");
    return false;
  });
}

using Rollups = std::map<FingerprintId, std::tuple<uint64_t, TimeUs, TimeUs>>;

inline Rollups rollups_of(const storage::Part& part, const storage::Bitmap* matches) {
  Rollups rollups;
  part.roll_up(matches, [&](const storage::FingerprintRollup& r) {
    REQUIRE(rollups.emplace(r.fingerprint, std::tuple(r.count, r.first, r.last)).second);
  });
  return rollups;
}

// `kept`: the matches as LSNs.
inline Rollups rollups_of(const PartModel& model, const PartModel::Lsns& kept) {
  Rollups rollups;
  for (const ModelRow& row : model.rows) {
    if (kept.count(raw(row.lsn)) == 0) continue;
    auto& [count, first, last] =
        rollups.try_emplace(row.fingerprint, 0, row.time, row.time).first->second;
    ++count;
    first = std::min(first, row.time);
    last = std::max(last, row.time);
  }
  return rollups;
}

inline void check_groups(const storage::Part& part, const PartModel& model, uint64_t seed) {
  std::mt19937_64 rng(seed);
  const PartModel::Lsns all = model.where([](const ModelRow&) { return true; });
  REQUIRE(rollups_of(part, nullptr) == rollups_of(model, all));
  for (const uint64_t one_in : {1u, 2u, 10u, 200u}) {
    storage::Bitmap matches;
    for (Ordinal o = 0; o < part.size(); ++o) {
      if (rng() % one_in == 0) matches.add(o);
    }
    const PartModel::Lsns kept = lsns_of(part, matches);
    REQUIRE(rollups_of(part, &matches) == rollups_of(model, kept));
    for (const auto& [id, totals] : rollups_of(model, all)) {
      const FingerprintId fingerprint = id;
      PartModel::Lsns seen, seen_kept;
      part.for_each_of(fingerprint, nullptr, [&](Ordinal o) { seen.insert(raw(part.lsn(o))); });
      part.for_each_of(fingerprint, &matches,
                       [&](Ordinal o) { seen_kept.insert(raw(part.lsn(o))); });
      const auto mine = [&](const ModelRow& row) { return row.fingerprint == fingerprint; };
      REQUIRE(seen == model.where(mine));
      REQUIRE(seen_kept == model.where([&](const ModelRow& row) {
        return mine(row) && kept.count(raw(row.lsn)) > 0;
      }));
    }
  }
  part.for_each_of(FingerprintId{777'777}, nullptr, [](Ordinal) { FAIL("unknown fingerprint"); });
  for (int round = 0; round < 6; ++round) {
    std::vector<bool> wanted(rng() % 60);
    for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = rng() % 3 == 0;
    REQUIRE(lsns_of(part, part.of_fingerprints(wanted)) == model.where([&](const ModelRow& row) {
      return raw(row.fingerprint) < wanted.size() && wanted[raw(row.fingerprint)];
    }));
  }
}

inline void check_times(const storage::Part& part, const PartModel& model, uint64_t seed) {
  std::mt19937_64 rng(seed);
  const int64_t min = raw(part.min_time()), max = raw(part.max_time());
  std::vector<std::pair<int64_t, int64_t>> ranges = {
      {min, max + 1},     {min, max},     {min + 1, max + 1}, {INT64_MIN, INT64_MAX},
      {max + 1, max + 5}, {min - 5, min}, {max, min},         {max, max + 1}};
  for (int round = 0; round < 20; ++round) {
    const auto span = static_cast<uint64_t>(max - min + 1);
    ranges.emplace_back(min + static_cast<int64_t>(rng() % span),
                        min + static_cast<int64_t>(rng() % span));
  }
  for (const auto& [begin, end] : ranges) {
    const int64_t from = begin, to = end;
    REQUIRE(lsns_of(part, part.in_time(TimeUs{from}, TimeUs{to})) ==
            model.where(
                [&](const ModelRow& row) { return raw(row.time) >= from && raw(row.time) < to; }));
  }
}

// What is asked in bulk has to be what is asked one by one, which check_columns compared.
inline void check_bulk(const storage::Part& part, const PartModel& model, uint64_t seed) {
  std::mt19937_64 rng(seed);
  for (int round = 0; round < 10; ++round) {
    storage::OrdinalRange range;
    range.begin = static_cast<Ordinal>(rng() % part.size());
    range.end = static_cast<Ordinal>(range.begin + rng() % (part.size() - range.begin + 1));
    std::vector<Ordinal> some;
    for (Ordinal o = range.begin; o < range.end; ++o) {
      if (round < 3 || rng() % 5 == 0) some.push_back(o);
    }
    std::vector<TimeUs> times(part.size()), gathered_times(part.size());
    std::vector<ValueId> users(part.size()), gathered_users(part.size());
    std::vector<Lsn> lsns(part.size());
    std::vector<FingerprintId> fingerprints(part.size());
    part.read_times(range, times.data());
    part.read_users(range, users.data());
    part.gather_times(some, gathered_times.data());
    part.gather_users(some, gathered_users.data());
    part.gather_lsns(some, lsns.data());
    part.gather_fingerprints(some, fingerprints.data());
    for (Ordinal o = range.begin; o < range.end; ++o) {
      const Ordinal i = o - range.begin;
      if (times[i] != part.time(o) || users[i] != part.user(o)) FAIL("a read column differs");
    }
    for (size_t i = 0; i < some.size(); ++i) {
      if (gathered_times[i] != part.time(some[i]) || gathered_users[i] != part.user(some[i]) ||
          lsns[i] != part.lsn(some[i]) || fingerprints[i] != part.fingerprint(some[i])) {
        FAIL("a gathered column differs");
      }
    }
  }
  std::vector<uint64_t> hashes;
  for (const ModelRow& row : model.rows) hashes.push_back(row.id_hash);
  for (int i = 0; i < 100; ++i) hashes.push_back(rng());
  std::vector<storage::IdCandidate> expected, found;
  for (uint32_t i = 0; i < hashes.size(); ++i) {
    for (const Ordinal o : part.find_id(hashes[i])) expected.push_back({i, o});
  }
  part.find_ids(hashes, found);
  REQUIRE(found == expected);
}

inline void check_fields(const storage::Part& part, const PartModel& model) {
  CHECK(part.field_stats(FieldId{999}) == storage::FieldStats{});
  std::vector<ValueId> column(part.size());
  std::vector<Ordinal> all(part.size());
  for (Ordinal o = 0; o < part.size(); ++o) all[o] = o;
  std::map<uint64_t, const ModelRow*> by_lsn;
  for (const ModelRow& row : model.rows) by_lsn[raw(row.lsn)] = &row;
  REQUIRE(part.has_column(model::field::kUser));
  for (const auto& [f, values] : model.values()) {
    const FieldId field = f;
    storage::FieldStats expected{values.size(), 0, 0, *values.begin(), *values.rbegin()};
    for (const ModelRow& row : model.rows) {
      const auto has_field = [&](const Term& term) { return term.first == field; };
      const auto terms = std::count_if(row.terms.begin(), row.terms.end(), has_field);
      expected.terms += static_cast<uint64_t>(terms);
      expected.occurrences += terms > 0 ? 1 : 0;
    }
    REQUIRE(part.field_stats(field) == expected);
    if (!part.has_column(field)) continue;
    REQUIRE(expected.terms == expected.occurrences);
    for (const bool gather : {false, true}) {
      if (gather) {
        part.gather_column(field, all, column.data());
      } else {
        part.read_column(field, {0, part.size()}, column.data());
      }
      for (Ordinal o = 0; o < part.size(); ++o) {
        const ModelRow& row = *by_lsn.at(raw(part.lsn(o)));
        if (column[o] != PartModel::value(row, field).value_or(ValueId{})) {
          FAIL("the column of field " << raw(field) << " differs");
        }
      }
    }
  }
}

inline void check_ranges(const storage::Part& part, const PartModel& model) {
  if (!part.sorted()) return;
  CHECK(part.range_of(FingerprintId{777'777}).empty());
  std::map<FingerprintId, uint32_t> counts;
  for (const ModelRow& row : model.rows) ++counts[row.fingerprint];
  uint32_t sum = 0;
  for (const auto& [fingerprint, count] : counts) {
    const storage::OrdinalRange range = part.range_of(fingerprint);
    REQUIRE(range.size() == count);
    sum += count;
    for (Ordinal o = range.begin; o < range.end; ++o) {
      REQUIRE(part.fingerprint(o) == fingerprint);
    }
    const TimeUs middle = part.time(range.begin + count / 2);
    const Ordinal first = part.first_not_before(range, middle);
    REQUIRE(part.time(first) == middle);
    REQUIRE((first == range.begin || part.time(first - 1) < middle));
    REQUIRE(part.first_not_before(range, TimeUs{INT64_MAX}) == range.end);
  }
  CHECK(sum == part.size());
}

inline void check_part(const storage::Part& part, const PartModel& model, uint64_t seed) {
  check_columns(part, model);
  check_postings(part, model);
  check_groups(part, model, seed);
  check_times(part, model, seed);
  check_bulk(part, model, seed);
  check_fields(part, model);
  check_ranges(part, model);
}

}  // namespace cairn::testing
