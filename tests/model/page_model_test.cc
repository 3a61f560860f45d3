// Lists read page by page, to the end and back, while everything goes on: occurrences, merges and
// other wishes, checkpoints, compactions and reopenings come between the pages. Every page must be
// a slice of the whole list as it was at the first page, made by a scan of the log.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include "engine/issue_events.h"
#include "engine/store.h"
#include "model/overlay.h"
#include "support/must.h"
#include "support/naive_sort.h"
#include "support/random_commands.h"
#include "support/random_occurrences.h"
#include "support/soak.h"
#include "support/store_queries.h"
#include "support/temp_dir.h"

using namespace cairn;
using engine::Store;

namespace {

using testing::must;

constexpr TimeUs kNow{1'700'100'000'000'000};
constexpr uint64_t kProjects = 3;

// One row of a list: an issue or an occurrence.
struct Row {
  uint64_t id = 0;
  uint64_t count = 0;
  uint64_t users = 0;
  bool operator==(const Row&) const = default;
};

// A list being read.
struct Walk {
  std::string text;
  std::string experiment;
  query::GroupScope scope;  // whose occurrences; 0: issues are listed
  query::SearchOptions options;
  std::vector<Row> expected;
  uint64_t total = 0;
  Lsn lsn{};
  size_t begin = 0;  // of the page read last
  size_t rows = 0;   // and how many it had
  std::optional<std::string> next;
  std::optional<std::string> prev;
  bool back = false;  // the end was there
  bool done = false;
};

class Reader {
 public:
  explicit Reader(uint64_t seed)
      : random_(seed),
        occurrences_(seed ^ 0x5eed),
        commands_(seed ^ 0xc0de, kProjects),
        queries_(seed ^ 0xa5c) {
    options_.clock = &clock_;
    options_.head_limit = 50 + static_cast<uint32_t>(below(300));
    options_.close_limit = static_cast<uint32_t>(below(100));
    options_.tail_limit = 1000;
    options_.index_map_bytes = 256u << 20;
    store_ = must(Store::open(path_, options_));
    for (int i = 0; i < 5; ++i) ingest();
  }

  void step() {
    clock_.set(TimeUs{raw(clock_.now()) + static_cast<int64_t>(below(2'000'000))});
    if (below(6) == 0) begin_walk();
    for (uint64_t pages = below(4); pages > 0 && !walks_.empty(); --pages) {
      read_page(walks_[below(walks_.size())]);
    }
    std::erase_if(walks_, [](const Walk& walk) { return walk.done; });
    switch (below(14)) {
      case 0:
        store_.reset();
        store_ = must(Store::open(path_, options_));
        return;
      case 1:
        return must(store_->checkpoint());
      case 2:
        must(store_->compact());
        return;
      case 3:
        must(store_->tick());
        return;
      case 4:
      case 5:
      case 6:
      case 7:
        return execute();
      default:
        return ingest();
    }
  }

  void finish() {
    for (Walk& walk : walks_) {
      while (!walk.done) read_page(walk);
    }
    walks_.clear();
  }

  uint64_t pages_of_the_past = 0;
  uint64_t lists_of_many_pages = 0;

 private:
  uint64_t below(uint64_t n) { return random_() % n; }

  void ingest() {
    std::vector<model::Message> batch;
    for (uint64_t size = 1 + below(60); size > 0; --size) batch.emplace_back(occurrences_.next());
    must(store_->submit(std::move(batch), {}));
  }

  // Whatever the rules say to it.
  void execute() {
    std::optional<model::Command> command;
    {
      const auto snapshot = must(store_->snapshot());
      command = commands_.next(snapshot->state(), clock_.now());
    }
    const auto done = store_->execute(*command, {"tester", ""});
    if (!done.ok()) REQUIRE(done.error().code != ErrorCode::Internal);
  }

  void begin_walk() {
    must(log_.catch_up(*store_));
    Walk walk;
    walk.lsn = log_.lsn;
    walk.options.now =
        TimeUs{raw(clock_.now()) - static_cast<int64_t>(below(30 * 3'600)) * kMicrosPerSecond};
    walk.options.limit = static_cast<uint32_t>(1 + below(9));
    walk.text = below(4) == 0 ? "" : queries_.next(1);
    const auto& experiments = log_.state.experiments();
    if (!experiments.empty() && below(3) == 0) {
      auto chosen = experiments.begin();
      std::advance(chosen, below(experiments.size()));
      walk.experiment = chosen->first;
    }
    std::optional<model::Overlay> overlay;
    if (!walk.experiment.empty()) {
      overlay.emplace(log_.state, *log_.state.find_experiment(walk.experiment));
    }
    const model::Forest forest(log_.state, overlay ? &*overlay : nullptr);
    if (below(3) == 0) {
      expect_events(walk, forest);
    } else {
      expect_issues(walk, forest);
    }
    read(walk, "", 0);
    if (walk.next) ++lists_of_many_pages;
    walk.done = !walk.next;
    walks_.push_back(std::move(walk));
  }

  void expect_issues(Walk& walk, const model::Forest& forest) {
    const auto sort = static_cast<query::Sort>(below(testing::kSorts));
    const auto parsed = must(query::parse(walk.text));
    auto predicate = must(query::Predicate::bind(parsed, forest, walk.options.now));
    model::TermExtractor extractor;
    std::map<GroupId, testing::NaiveIssue> found;
    for (const auto& [occurrence, decided_by, lsn] : log_.seen) {
      const GroupId issue = testing::issue_of(forest, decided_by);
      if (issue == GroupId{} || !predicate.matches(occurrence, issue)) continue;
      std::string user;
      for (const model::Term& term : extractor.extract(occurrence)) {
        if (term.id == model::field::kUser) user = term.value;
      }
      found[issue].matches.push_back(
          {occurrence.time(), user, std::string(model::level_name(occurrence.level()))});
    }
    std::vector<testing::NaiveIssue> issues;
    for (auto& [id, issue] : found) {
      issue.id = id;
      issue.priority = log_.state.group(id).priority;
      issue.type_priority = log_.state.type(log_.state.group(id).type).default_priority;
      issues.push_back(issue);
    }
    for (const GroupId id : testing::in_naive_order(issues, sort, walk.options.now)) {
      std::set<std::string> users;
      for (const auto& match : found[id].matches) users.insert(match.user);
      users.erase("");
      walk.expected.push_back({raw(id), found[id].matches.size(), users.size()});
    }
    walk.total = walk.expected.size();
    walk.options.sort = sort;
    if (below(4) == 0) {
      const size_t limit = 1 + below(20);
      walk.text += fmt::format(" | limit {}", limit);
      walk.expected.resize(std::min(limit, walk.expected.size()));
    }
  }

  void expect_events(Walk& walk, const model::Forest& forest) {
    walk.scope.group = GroupId{static_cast<uint32_t>(1 + below(log_.state.group_count()))};
    walk.scope.alone = below(3) == 0;
    const auto& own = log_.state.group(walk.scope.group).fingerprints;
    const auto all = walk.scope.alone ? std::vector<FingerprintId>(own.begin(), own.end())
                                      : forest.fingerprints_of(walk.scope.group);
    const std::set<FingerprintId> wanted(all.begin(), all.end());
    const auto parsed = must(query::parse(walk.text));
    auto predicate = must(query::Predicate::bind(parsed, forest, walk.options.now));
    std::vector<std::pair<TimeUs, Lsn>> places;
    for (const auto& [occurrence, decided_by, lsn] : log_.seen) {
      const GroupId issue = testing::issue_of(forest, decided_by);
      if (issue == GroupId{} || !wanted.contains(decided_by)) continue;
      if (predicate.matches(occurrence, issue)) places.emplace_back(occurrence.time(), lsn);
    }
    std::sort(places.rbegin(), places.rend());
    for (const auto& [time, lsn] : places) walk.expected.push_back({raw(lsn), 0, 0});
    walk.total = walk.expected.size();
  }

  // Onwards, now and then a page back; from the end on the other way round.
  void read_page(Walk& walk) {
    if (walk.done) return;
    const bool other_way = below(4) == 0;
    const bool backward = walk.back != (other_way && walk.next && walk.prev);
    const size_t limit = *walk.options.limit;
    const std::string cursor = backward ? *walk.prev : *walk.next;
    read(walk, cursor, backward ? walk.begin - limit : walk.begin + walk.rows);
    if (!walk.next) walk.back = true;
    if (walk.back && !walk.prev) walk.done = true;
  }

  void read(Walk& walk, const std::string& cursor, size_t begin) {
    INFO("'" << walk.text << "' in '" << walk.experiment << "', sort "
             << static_cast<int>(walk.options.sort.value_or(query::Sort::Date)) << ", group "
             << raw(walk.scope.group) << ", LSN " << raw(walk.lsn) << ", from row " << begin);
    const auto snapshot = must(store_->snapshot_for(cursor, walk.experiment));
    REQUIRE(snapshot->lsn() == walk.lsn);
    if (!cursor.empty()) {
      const bool moved = must(store_->snapshot())->lsn() != walk.lsn;
      pages_of_the_past += moved ? 1 : 0;
    }
    query::SearchOptions options = walk.options;
    if (!cursor.empty()) options.now = TimeUs{static_cast<int64_t>(random_())};  // not asked
    if (!cursor.empty() && below(2) == 0) options.limit = std::nullopt;          // as before
    options.cursor = cursor;
    const std::vector<Row> rows = ask(walk, *snapshot, options);
    const size_t end = std::min(walk.expected.size(), begin + *walk.options.limit);
    const std::vector<Row> expected(walk.expected.begin() + static_cast<ptrdiff_t>(begin),
                                    walk.expected.begin() + static_cast<ptrdiff_t>(end));
    REQUIRE(rows.size() == expected.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      INFO("row " << i << ": " << rows[i].id << " x" << rows[i].count << ", expected "
                  << expected[i].id << " x" << expected[i].count);
      REQUIRE(rows[i] == expected[i]);
    }
    REQUIRE(walk.next.has_value() == (end < walk.expected.size()));
    REQUIRE(walk.prev.has_value() == (begin > 0));
    walk.begin = begin;
    walk.rows = rows.size();
  }

  std::vector<Row> ask(Walk& walk, const engine::Snapshot& snapshot,
                       const query::SearchOptions& options) {
    std::vector<Row> rows;
    if (walk.scope.group != GroupId{}) {
      const auto page = must(engine::issue_events(snapshot, walk.scope, walk.text,
                                                  {options.now, options.limit, options.cursor}));
      for (const auto& event : page.events) rows.push_back({raw(event.lsn), 0, 0});
      REQUIRE(page.total == walk.total);
      walk.next = page.next;
      walk.prev = page.prev;
      return rows;
    }
    const auto page = must(snapshot.search(walk.text, options));
    for (const auto& row : page.issues) rows.push_back({raw(row.id), row.count, row.users});
    REQUIRE(page.total == walk.total);
    REQUIRE(page.lsn == walk.lsn);
    REQUIRE(page.now == walk.options.now);
    walk.next = page.next;
    walk.prev = page.prev;
    return rows;
  }

  std::mt19937_64 random_;
  testing::RandomOccurrences occurrences_;
  testing::RandomCommands commands_;
  testing::RandomStoreQuery queries_;
  testing::TempDir dir_;
  std::string path_ = dir_ / "store";
  ManualClock clock_{kNow};
  engine::StoreOptions options_;
  std::unique_ptr<Store> store_;
  testing::ScannedLog log_;
  std::vector<Walk> walks_;
};

}  // namespace

TEST_CASE("pages are slices of the list that was there at the first, to the end and back") {
  const int rounds = testing::soak_rounds(6);
  const uint64_t base = std::random_device{}() % 1'000'000'000;
  std::cout << "pages: seeds " << base << " to " << base + static_cast<uint64_t>(rounds) - 1
            << "\n";
  uint64_t past = 0;
  uint64_t lists = 0;
  for (int round = 0; round < rounds; ++round) {
    const uint64_t seed = base + static_cast<uint64_t>(round);
    CAPTURE(seed);
    Reader reader(seed);
    for (int i = 0; i < 120; ++i) reader.step();
    reader.finish();
    past += reader.pages_of_the_past;
    lists += reader.lists_of_many_pages;
  }
  std::cout << "pages: " << lists << " lists of more than one page, " << past
            << " pages read when the store had moved on\n";
  CHECK(past > 0);
  CHECK(lists > 0);
}
