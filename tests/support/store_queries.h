// Random queries over what RandomOccurrences makes, answered by a store and by a scan of its log
// with the predicate.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <iterator>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "engine/store.h"
#include "query/parser.h"
#include "query/predicate.h"

namespace cairn::testing {

// A log folded on its own, record by record, and its occurrences with what decided them.
struct ScannedLog {
  struct Seen {
    model::Occurrence occurrence;
    FingerprintId decided_by{};
    Lsn lsn{};
  };

  model::State state;
  std::vector<Seen> seen;
  Lsn lsn{};

  Result<void> take(const model::Record& record) {
    CAIRN_TRY_ASSIGN(const model::Applied applied, state.apply(record, next(lsn)));
    lsn = next(lsn);
    const auto* occurrence = std::get_if<model::Occurrence>(&record.body);
    if (occurrence != nullptr) seen.push_back({*occurrence, applied.decided_by, lsn});
    return {};
  }

  // What the store's log has beyond it.
  Result<void> catch_up(const engine::Store& store) {
    return store.for_each_record(next(lsn),
                                 [&](Lsn, const model::Record& record) { return take(record); });
  }
};

class RandomStoreQuery {
 public:
  explicit RandomStoreQuery(uint64_t seed) : random_(seed) {}

  std::string next(int depth = 2) {
    if (depth == 0) return term();
    switch (below(5)) {
      case 0:
        return "(" + next(depth - 1) + " OR " + next(depth - 1) + ")";
      case 1:
        return next(depth - 1) + " AND " + next(depth - 1);
      case 2:
        return next(depth - 1) + " " + next(depth - 1);
      default:
        return next(depth - 1);
    }
  }

 private:
  uint64_t below(uint64_t n) { return random_() % n; }

  std::string term() {
    switch (below(17)) {
      case 0:
        return "is:unresolved";
      case 1:
        return "is:resolved";
      case 2:
        return "is:archived";
      case 3:
        return below(2) == 0 ? "level:error" : "!level:[info, debug]";
      case 4:
        return fmt::format("browser:\"Chrome {}\"", 120 + below(2));
      case 5:
        return "!browser:\"Firefox 119\"";
      case 6:
        return fmt::format("shard:[{}, {}, {}]", below(30), below(30), below(30));
      case 7:
        return below(2) == 0 ? "has:user" : "!has:shard";
      case 8:
        return fmt::format("times_seen:>{}", below(60));
      case 9:
        return fmt::format("timestamp:{}", below(2) == 0 ? "-20h" : "+24h");
      case 10:
        return fmt::format("environment:{}", below(2) == 0 ? "staging" : "production");
      case 11:
        return fmt::format("release:{}{}.{}", below(2) == 0 ? "" : "*", 1 + below(2), below(6));
      case 12:
        return fmt::format("\"part {}\"", below(7));
      case 13:
        return fmt::format("fingerprint:mid-{}", below(10));
      case 14:
        return fmt::format("url:*shop.example/{}*", below(20));
      case 15:
        return of_issue();
      default:
        return fmt::format("user.id:u{}", below(60));
    }
  }

  std::string of_issue() {
    static constexpr const char* kTerms[] = {
        "is:new",     "is:ongoing",     "is:escalating",       "is:regressed",
        "is:forever", "is:unassigned",  "is:until_escalating", "is:until_condition_met",
        "assigned:1", "!assigned:1",    "priority:high",       "!priority:medium",
        "age:-30h",   "last_seen:-30h", "first_seen:+30h",     "!is:regressed"};
    return kTerms[below(std::size(kTerms))];
  }

  std::mt19937_64 random_;
};

struct Counted {
  uint64_t count = 0;
  TimeUs first{};
  TimeUs last{};
};

// What shows an occurrence; 0: held back, deleted or discarded.
inline GroupId issue_of(const model::Forest& forest, FingerprintId decided_by) {
  const GroupId leaf = forest.state().fingerprint(decided_by).leaf;
  return leaf == GroupId{} ? leaf : forest.issue_of(leaf);
}

inline std::map<GroupId, Counted> scan(const query::Query& query, const model::Forest& forest,
                                       std::span<const ScannedLog::Seen> seen, TimeUs now) {
  auto predicate = query::Predicate::bind(query, forest, now);
  INFO((predicate.ok() ? std::string() : predicate.error().message));
  REQUIRE(predicate.ok());
  std::map<GroupId, Counted> found;
  for (const auto& [occurrence, decided_by, lsn] : seen) {
    const GroupId issue = issue_of(forest, decided_by);
    if (issue == GroupId{} || !predicate->matches(occurrence, issue)) continue;
    Counted& counted = found[issue];
    const TimeUs time = occurrence.time();
    counted.first = counted.count == 0 ? time : std::min(counted.first, time);
    counted.last = counted.count == 0 ? time : std::max(counted.last, time);
    ++counted.count;
  }
  return found;
}

// `seen`: the occurrences up to the view's LSN.
inline void check_query(const query::View& view, const std::string& text,
                        std::span<const ScannedLog::Seen> seen, TimeUs now) {
  INFO("query " << text);
  const auto parsed = query::parse(text);
  INFO((parsed.ok() ? std::string() : parsed.error().message));
  REQUIRE(parsed.ok());
  const auto expected = scan(*parsed, view.forest(), seen, now);
  query::SearchOptions options;
  options.now = now;
  options.limit = query::kMaxLimit;
  const auto page = query::search(view, *parsed, options);
  INFO((page.ok() ? std::string() : page.error().message));
  REQUIRE(page.ok());
  REQUIRE(page->total == expected.size());
  REQUIRE(page->issues.size() == expected.size());
  for (const auto& row : page->issues) {
    const auto want = expected.find(row.id);
    REQUIRE(want != expected.end());
    CHECK(row.count == want->second.count);
    CHECK(row.first == want->second.first);
    CHECK(row.last == want->second.last);
  }
}

}  // namespace cairn::testing
