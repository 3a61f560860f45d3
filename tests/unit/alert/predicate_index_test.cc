#include "alert/predicate_index.h"

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <set>

#include "query/ast_print.h"
#include "query/binder.h"
#include "query/parser.h"
#include "support/query_world.h"
#include "support/random_occurrences.h"
#include "support/random_query.h"
#include "support/soak.h"

namespace cairn::testing {
namespace {

using alert::FilterId;
using alert::PredicateIndex;

// Filters over one store, in the index and one by one.
class Filters {
 public:
  explicit Filters(QueryWorld& world)
      : world_(world), now_(TimeUs{1'700'010'000 * kMicrosPerSecond}) {}

  // False: the query means nothing in this store.
  bool add(FilterId id, const query::Query& tree, std::vector<ProjectId> projects) {
    auto expr = query::bind_filter(tree, world_.state(), now_);
    if (!expr) return false;
    index_.add(id, *expr, projects);
    all_.emplace(raw(id), Filter{must(query::Predicate::bind(tree, world_.state(), now_)),
                                 std::move(projects)});
    return true;
  }
  void add(uint32_t id, const std::string& text, std::vector<ProjectId> projects = {}) {
    REQUIRE(add(FilterId{id}, must(query::parse(text)), std::move(projects)));
  }
  void remove(FilterId id) {
    index_.remove(id);
    all_.erase(raw(id));
  }

  std::vector<uint32_t> found(const QueryWorld::Stored& one) {
    const GroupId issue = world_.roots()[raw(one.fingerprint)];
    std::vector<uint32_t> ids;
    index_.for_each_match(
        {one.occurrence, extractor_.extract(one.occurrence), world_.state(), issue},
        [&](FilterId id) { ids.push_back(raw(id)); });
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  std::vector<uint32_t> expected(const QueryWorld::Stored& one) {
    const GroupId issue = world_.roots()[raw(one.fingerprint)];
    std::vector<uint32_t> ids;
    for (auto& [id, filter] : all_) {
      const auto& projects = filter.projects;
      const bool in = projects.empty() ||
                      std::count(projects.begin(), projects.end(), one.occurrence.project) > 0;
      if (in && filter.predicate.matches(one.occurrence, issue)) ids.push_back(id);
    }
    return ids;
  }

  PredicateIndex& index() { return index_; }
  size_t size() const { return all_.size(); }
  TimeUs now() const { return now_; }

 private:
  struct Filter {
    query::Predicate predicate;
    std::vector<ProjectId> projects;
  };
  QueryWorld& world_;
  TimeUs now_;
  PredicateIndex index_;
  std::map<uint32_t, Filter> all_;
  model::TermExtractor extractor_;
};

struct Small {
  Small() {
    RandomOccurrences occurrences(3);
    for (const auto& occurrence : occurrences.take(300)) world.add(occurrence);
  }
  QueryWorld world;
  Filters filters{world};
  // Filters asked for all occurrences together.
  uint64_t asked() {
    const uint64_t before = filters.index().figures().asked;
    for (const auto& one : world.stored()) {
      REQUIRE(filters.found(one) == filters.expected(one));
    }
    return filters.index().figures().asked - before;
  }
  uint64_t count(const std::string& text) {
    auto predicate = must(query::Predicate::bind(parsed(text), world.state(), filters.now()));
    uint64_t found = 0;
    for (const auto& one : world.stored()) {
      found += predicate.matches(one.occurrence, world.roots()[raw(one.fingerprint)]);
    }
    return found;
  }
  const query::Query& parsed(const std::string& text) {
    return kept.emplace_back(must(query::parse(text)));
  }
  std::deque<query::Query> kept;
};

TEST_CASE_METHOD(Small, "a filter is asked only of what has a term it needs") {
  filters.add(0, "level:error environment:staging shard:7");
  CHECK(asked() == count("shard:7"));  // the rarest by default
  filters.remove(FilterId{0});
  filters.add(0, "level:[error, fatal] OR shard:7");
  CHECK(asked() == count("level:[error, fatal] OR shard:7"));
  filters.remove(FilterId{0});
  filters.add(0, "!(!shard:7 OR !level:error)");  // a negation of a negation needs it, too
  CHECK(asked() == count("shard:7"));
  CHECK(filters.index().figures().scanned == 0);
  filters.remove(FilterId{0});
  filters.add(0, "shard:7 level:error user:nobody");
  CHECK(asked() == 0);
}

TEST_CASE_METHOD(Small, "the rarest term is what is said to be rare") {
  const query::Query tree = must(query::parse("level:error shard:7"));
  const auto expr = must(query::bind_filter(tree, world.state(), filters.now()));
  PredicateIndex index;
  index.add(FilterId{0}, expr, {}, [](const query::EventField& field, std::string_view value) {
    return field.tag == "shard" && value == "7" ? 2.0 : 1.0;
  });
  model::TermExtractor extractor;
  for (const auto& one : world.stored()) {
    index.for_each_match({one.occurrence, extractor.extract(one.occurrence), world.state(), {}},
                         [](FilterId) {});
  }
  CHECK(index.figures().asked == count("level:error"));
  CHECK(index.figures().matched == count("level:error shard:7"));
}

TEST_CASE_METHOD(Small, "filters of other projects are not touched") {
  filters.add(0, "level:error", {ProjectId{2}});
  CHECK(asked() == count("level:error project:2"));
  filters.add(1, "!level:error", {ProjectId{1}, ProjectId{3}});
  CHECK(filters.index().figures().scanned == 0);
  CHECK(asked() == count("level:error project:2 OR project:[1, 3]"));
  std::vector<ProjectId> many;
  for (uint64_t id = 2; id <= 20; ++id) many.push_back(ProjectId{id});
  filters.add(2, "level:error", many);  // found by the term, asked for its project
  CHECK(asked() > 0);
}

TEST_CASE_METHOD(Small, "filters that need nothing are asked every time") {
  filters.add(0, "");
  filters.add(1, "!level:error");
  filters.add(2, "url:*cart*");
  filters.add(3, "level:error OR url:*cart*");
  filters.add(4, "timestamp:-24h");
  filters.add(5, "release:\"\"");
  CHECK(filters.index().figures().scanned == 6);
  CHECK(asked() == 6 * world.stored().size());
  for (uint32_t id = 0; id < 6; ++id) filters.remove(FilterId{id});
  CHECK(filters.index().figures().scanned == 0);
  CHECK(asked() == 0);
}

TEST_CASE_METHOD(Small, "a condition is kept once, and gone with its last filter") {
  filters.add(0, "level:error shard:7");
  filters.add(1, "shard:7 release:1.0");
  filters.add(2, "!level:error shard:1");
  CHECK(filters.index().figures().conditions == 4);
  filters.remove(FilterId{1});
  CHECK(filters.index().figures().conditions == 3);
  filters.remove(FilterId{0});
  filters.remove(FilterId{2});
  CHECK(filters.index().figures().conditions == 0);
  CHECK(filters.index().figures().filters == 0);
}

TEST_CASE_METHOD(Small, "a list longer than an index is good for is found by its project") {
  std::string text = "shard:[0";
  for (int i = 1; i < 100; ++i) text += "," + std::to_string(i);
  filters.add(0, text + "]", {ProjectId{1}});
  filters.add(1, text + "]");
  CHECK(filters.index().figures().scanned == 1);
  asked();
}

TEST_CASE_METHOD(Small, "filters come and go") {
  for (uint32_t id = 0; id < 3000; ++id) filters.add(id, "shard:" + std::to_string(id));
  for (uint32_t id = 0; id < 3000; ++id) {
    if (id % 100 != 7) filters.remove(FilterId{id});
  }
  for (uint32_t id = 3000; id < 3010; ++id) filters.add(id, "shard:" + std::to_string(id - 3000));
  CHECK(filters.size() == 40);
  asked();
}

// CAIRN_SEED=N begins with that world, CAIRN_SOAK=N asks N times as many.
TEST_CASE("the matches are those of asking every filter") {
  const uint64_t first = first_seed();
  uint64_t matched = 0;
  for (int world_number = 0; world_number < soak_rounds(8); ++world_number) {
    const uint64_t seed = first + static_cast<uint64_t>(world_number);
    INFO("CAIRN_SEED=" << seed);
    QueryWorld world;
    RandomOccurrences occurrences(seed);
    for (const auto& occurrence : occurrences.take(80)) world.add(occurrence);
    Filters filters(world);
    RandomQuery random(seed, world.stored().front().occurrence.time(), filters.now());
    std::vector<std::string> ids;
    for (int i = 0; i < 5; ++i) ids.push_back(world.stored()[i].occurrence.id.hex());
    random.know_ids(ids);
    std::set<uint32_t> used;
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 60; ++i) {
        const auto id = static_cast<uint32_t>(random.below(200));
        if (used.contains(id)) {
          filters.remove(FilterId{id});
          used.erase(id);
          continue;
        }
        query::Query tree;
        if (random.below(30) != 0) tree.filter = random.node(static_cast<int>(random.below(4)));
        std::vector<ProjectId> projects;
        for (uint64_t p = 1; p <= 12; ++p) {
          if (i % 3 != 0 && random.below(i % 5 == 0 ? 2 : 8) == 0) projects.push_back(ProjectId{p});
        }
        if (filters.add(FilterId{id}, tree, projects)) used.insert(id);
      }
      for (const auto& one : world.stored()) REQUIRE(filters.found(one) == filters.expected(one));
    }
    matched += filters.index().figures().matched;
    CHECK(filters.index().figures().asked >= filters.index().figures().matched);
    CHECK(filters.index().figures().filters == filters.size());
  }
  CHECK(matched > 1000);
}

}  // namespace
}  // namespace cairn::testing
