// The public C++ interface, used as a program outside would: only its own headers, but for one case
// that makes an assertion fail.
#include "cairn/store.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/temp_dir.h"

namespace {

using cairn::ErrorCode;
using cairn::Outcome;
using cairn::testing::TempDir;

template <class T>
T must(cairn::Result<T> result) {
  if (!result) FAIL(result.error().message);
  return std::move(result).value();
}
void must(const cairn::Result<void>& result) {
  if (!result) FAIL(result.error().message);
}

cairn::Store open(const TempDir& dir, const cairn::OpenOptions& options = {}) {
  return must(cairn::Store::open(dir.path() + "/store", options));
}

cairn::Occurrence occurrence(int number, const std::string& fingerprint) {
  cairn::Occurrence out;
  char id[33];
  std::snprintf(id, sizeof id, "%032x", static_cast<unsigned>(number));
  out.id = id;
  out.project = 1;
  out.fingerprint = {fingerprint, "coarse"};
  out.title = "Timeout in " + fingerprint;
  out.level = "error";
  out.time = cairn::Time(std::chrono::seconds(1'700'000'000 + number));
  out.user_id = std::to_string(number % 5);
  out.tags = {{"region", number % 2 == 0 ? "eu" : "us"}};
  return out;
}

// Thirty of issue 1 ("cart"), twenty of issue 2 ("pay"), ten of issue 3 ("ship").
void fill(cairn::Store& store) {
  std::vector<cairn::Occurrence> batch;
  for (int i = 1; i <= 30; ++i) batch.push_back(occurrence(i, "cart"));
  for (int i = 31; i <= 50; ++i) batch.push_back(occurrence(i, "pay"));
  for (int i = 51; i <= 60; ++i) batch.push_back(occurrence(i, "ship"));
  REQUIRE(must(store.submit(batch)).stored == 60);
  cairn::SetProject slug;
  slug.project = 1;
  slug.slug = "shop";
  REQUIRE(must(store.execute(slug)).outcome == Outcome::Stored);
}

std::vector<std::string> names(const cairn::IssuePage& page) {
  std::vector<std::string> out;
  for (const cairn::Issue& issue : page.issues) out.push_back(issue.short_id);
  return out;
}

cairn::QueryOptions by_freq() {
  cairn::QueryOptions options;
  options.sort = "freq";
  return options;
}

}  // namespace

TEST_CASE("embed: occurrences come in and are found") {
  const TempDir dir;
  cairn::Store store = open(dir);
  fill(store);
  const auto page = must(store.search("is:unresolved level:error", by_freq()));
  REQUIRE(page.total == 3);
  CHECK(names(page) == std::vector<std::string>{"SHOP-1", "SHOP-2", "SHOP-3"});
  const cairn::Issue& first = page.issues.front();
  CHECK(first.count == 30);
  CHECK(first.users == 5);
  CHECK(first.title == "Timeout in cart");
  CHECK(first.status == "unresolved");
  CHECK(first.first_seen == cairn::Time(std::chrono::seconds(1'700'000'001)));

  const auto table = must(store.aggregate("level:error | count() by region"));
  REQUIRE(table.rows.size() == 2);
  CHECK(std::get<int64_t>(table.rows[0][1]) == 30);
}

TEST_CASE("embed: each line is stored, known already or refused on its own") {
  const TempDir dir;
  cairn::Store store = open(dir);
  const std::string good =
      R"({"id":"00000000000000000000000000000001","project_id":1,"fingerprint":["f"],)"
      R"("issue_title":"x","subtitle":null,"type":1,"detection_time":1700000000,)"
      R"("event_id":"00000000000000000000000000000001"})";
  const auto done = must(store.submit_json(good + "\n\n{\"id\":1}\n" + good + "\n"));
  CHECK(done.stored == 1);
  CHECK(done.refused == 1);
  CHECK(done.duplicates == 1);
  REQUIRE(done.items.size() == 3);
  CHECK(done.items[1].line == 3);
  REQUIRE(done.items[1].error);
  CHECK(done.items[1].error->code == ErrorCode::InvalidArgument);
  CHECK(done.items[2].line == 4);

  CHECK(must(store.submit_json("")).items.empty());
  const auto large = store.submit_json(std::string(cairn::kMaxSubmitBytes + 1, ' '));
  REQUIRE_FALSE(large);
  CHECK(large.error().code == ErrorCode::Exhausted);
}

TEST_CASE("embed: what is merged can be taken apart, and asked for as it was") {
  const TempDir dir;
  cairn::Store store = open(dir);
  fill(store);
  cairn::WriteOptions ada;
  ada.actor = "user:ada";
  ada.key = "once";
  const cairn::Merge merge{"SHOP-2", {"1:fingerprint:cart", "SHOP-3"}};
  const auto merged = must(store.execute(merge, ada));
  CHECK(merged.issue == "SHOP-2");
  CHECK(merged.issues == std::vector<std::string>{"SHOP-1", "SHOP-3"});
  CHECK(must(store.execute(merge, ada)).outcome == Outcome::Duplicate);
  CHECK(must(store.search("")).total == 1);

  const auto unmerged = must(store.execute(cairn::Unmerge{"SHOP-2", {}, 0}));
  CHECK(unmerged.issues == std::vector<std::string>{"SHOP-1", "SHOP-3"});
  CHECK(must(store.search("")).total == 3);

  cairn::SnapshotOptions then;
  then.as_of.lsn = merged.lsn;
  {
    const auto past = must(store.snapshot(then));
    CHECK(past.lsn() == merged.lsn);
    const auto page = must(past.search(""));
    REQUIRE(page.total == 1);
    CHECK(page.issues.front().merged == std::vector<std::string>{"SHOP-1", "SHOP-3"});
    CHECK(must(past.issue("SHOP-1")).count == 30);  // hidden, and there nevertheless
    CHECK(must(past.issue("SHOP-2")).count == 60);
  }
  const auto made = must(store.execute(cairn::MergeNew{"All of it", {"SHOP-1", "SHOP-2"}}));
  CHECK(made.issue == "SHOP-4");
}

TEST_CASE("embed: the life of an issue and its history") {
  const TempDir dir;
  cairn::Store store = open(dir);
  fill(store);
  must(store.execute(cairn::Resolve{"SHOP-1", cairn::Resolve::How::Now, ""}));
  must(store.execute(cairn::Assign{"SHOP-2", "user:ada"}));
  cairn::Archive archive;
  archive.issue = "SHOP-3";
  archive.count = 5;
  must(store.execute(archive));
  must(store.execute(cairn::SetPriority{"SHOP-2", "high"}));
  must(store.execute(cairn::Note{"SHOP-2", 0, "look at the pool"}));
  CHECK_FALSE(store.execute(cairn::Split{"SHOP-2", {"pay"}}));  // nothing would be left of it

  const auto snapshot = must(store.snapshot());
  CHECK(must(snapshot.issue("SHOP-1")).status == "resolved");
  CHECK(must(snapshot.issue("SHOP-3")).substatus == "until_condition_met");
  const cairn::Issue second = must(snapshot.issue("SHOP-2"));
  CHECK(second.assignee == "user:ada");
  CHECK(second.priority == "high");

  const auto history = must(snapshot.history("SHOP-1"));
  REQUIRE(history.size() >= 2);
  CHECK(history.front().what == "created");
  CHECK(history.back().what == "status");
  CHECK(history.back().before.find("unresolved") != std::string::npos);

  cairn::EventOptions two;
  two.limit = 2;
  two.filter = "region:eu";
  const auto events = must(snapshot.events("SHOP-1", two));
  CHECK(events.total == 15);
  REQUIRE(events.events.size() == 2);
  CHECK(events.events.front().time > events.events.back().time);
  CHECK(events.events.front().json.find("\"region\"") != std::string::npos);
  two.cursor = events.next;
  CHECK(must(snapshot.events("SHOP-1", two)).events.size() == 2);
}

TEST_CASE("embed: an experiment regroups beside the grouping in use") {
  const TempDir dir;
  cairn::Store store = open(dir);
  fill(store);
  must(store.execute(cairn::NewExperiment{"coarse", 0}));
  must(store.execute(cairn::AddRule{"coarse", "merge by fingerprint[2]"}));
  cairn::SnapshotOptions in;
  in.experiment = "coarse";
  CHECK(must(store.search("", {}, in)).total == 1);
  CHECK(must(store.search("")).total == 3);
  {
    const auto snapshot = must(store.snapshot());
    const auto all = must(snapshot.experiments());
    REQUIRE(all.size() == 1);
    CHECK(all.front().steps.front().merged == 2);
    const auto compared = must(snapshot.compare("", "coarse"));
    CHECK(compared.before.issues == 3);
    CHECK(compared.after.issues == 1);
  }
  const auto promoted = must(store.execute(cairn::PromoteExperiment{"coarse", false}));
  CHECK(must(store.search("")).total == 1);
  must(store.execute(cairn::UndoRegrouping{promoted.lsn}));
  CHECK(must(store.search("")).total == 3);
  const auto swept = store.execute(cairn::Sweep{"merge by fingerprint[2]", 1});
  REQUIRE_FALSE(swept);
  CHECK(swept.error().code == ErrorCode::Exhausted);
}

TEST_CASE("embed: pages of a list are of the moment when it was begun") {
  const TempDir dir;
  cairn::Store store = open(dir);
  fill(store);
  cairn::QueryOptions one = by_freq();
  one.limit = 1;
  const auto first = must(store.search("", one));
  CHECK(names(first) == std::vector<std::string>{"SHOP-1"});
  must(store.execute(cairn::Merge{"SHOP-1", {"SHOP-2"}}));
  one.cursor = first.next;
  const auto second = must(store.search("", one));
  CHECK(names(second) == std::vector<std::string>{"SHOP-2"});
  CHECK(second.lsn == first.lsn);
}

TEST_CASE("embed: errors say what, and where") {
  const TempDir dir;
  cairn::OpenOptions must_exist;
  must_exist.create = false;
  const auto none = cairn::Store::open(dir.path() + "/none", must_exist);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ErrorCode::NotFound);

  cairn::Store store = open(dir);
  fill(store);
  const auto again = cairn::Store::open(dir.path() + "/store");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::Conflict);

  const auto bad = store.search("level:error is:nothing");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == ErrorCode::InvalidArgument);
  CHECK(bad.error().position == 15u);
  CHECK_FALSE(store.search("| count()"));
  CHECK_FALSE(store.aggregate("level:error"));
  CHECK_FALSE(cairn::Snapshot::is_aggregate("(("));
  CHECK(must(cairn::Snapshot::is_aggregate("| count()")));

  const auto unknown = store.execute(cairn::Assign{"SHOP-99", "user:a"});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == ErrorCode::NotFound);
  cairn::SnapshotOptions later;
  later.at_least = 1'000'000;
  const auto early = store.snapshot(later);
  REQUIRE_FALSE(early);
  CHECK(early.error().code == ErrorCode::Conflict);
  CHECK(std::string(cairn::error_code_name(ErrorCode::NotFound)) == "not_found");
}

TEST_CASE("embed: a thread that holds a snapshot is told so when it writes or closes") {
  const TempDir dir;
  cairn::Store store = open(dir);
  fill(store);
  {
    const auto snapshot = must(store.snapshot());
    const auto written = store.execute(cairn::Assign{"SHOP-1", "user:ada"});
    REQUIRE_FALSE(written);
    CHECK(written.error().code == ErrorCode::Conflict);
    const auto closed = store.close();
    REQUIRE_FALSE(closed);
    CHECK(closed.error().code == ErrorCode::Conflict);
    std::thread other([&] {
      const auto asked = snapshot.search("");
      REQUIRE_FALSE(asked);
      CHECK(asked.error().code == ErrorCode::Conflict);
    });
    other.join();
  }
  must(store.execute(cairn::Assign{"SHOP-1", "user:ada"}));
  must(store.close());
  must(store.close());
  const auto after = store.search("");
  REQUIRE_FALSE(after);
  CHECK(after.error().code == ErrorCode::Closed);
}

TEST_CASE("embed: what outlives the handle, and what was moved from") {
  const TempDir dir;
  {
    auto store = std::make_unique<cairn::Store>(open(dir));
    fill(*store);
    const auto snapshot = must(store->snapshot());
    store.reset();
    CHECK(must(snapshot.search("")).total == 3);
  }
  cairn::Store first = open(dir);
  cairn::Store second = std::move(first);
  CHECK(must(second.search("")).total == 3);
  const auto moved = first.search("");  // NOLINT: that it is an error and no crash is the point
  REQUIRE_FALSE(moved);
  CHECK(moved.error().code == ErrorCode::Closed);
  must(first.close());
}

TEST_CASE("embed: a cancelled question ends, and a limit holds") {
  const TempDir dir;
  cairn::Store store = open(dir);
  fill(store);
  cairn::Cancellation cancellation;
  cairn::QueryOptions options;
  options.cancel = &cancellation;
  cancellation.cancel();
  const auto cancelled = store.aggregate("| count() uniq(user) by region", options);
  REQUIRE_FALSE(cancelled);
  CHECK(cancelled.error().code == ErrorCode::Closed);
  cancellation.reset();
  CHECK(must(store.aggregate("| count() by region", options)).rows.size() == 2);
  options.limits.rows_returned = 1;
  const auto limited = store.aggregate("| count() by region", options);
  REQUIRE_FALSE(limited);
  CHECK(limited.error().code == ErrorCode::Exhausted);
}

TEST_CASE("embed: every verb of the command line runs at an open store") {
  const TempDir dir;
  cairn::Store store = open(dir);
  fill(store);
  const auto found = must(store.run({"query", "is:unresolved", "--sort", "freq", "--json"}));
  CHECK(found.exit_code == 0);
  CHECK(found.out.find("\"short_id\":\"SHOP-1\"") != std::string::npos);
  CHECK(found.err.empty());
  cairn::RunOptions ada;
  ada.user = "ada";
  CHECK(must(store.run({"merge", "SHOP-1", "SHOP-2"}, ada)).out.find("now shows SHOP-2") !=
        std::string::npos);
  CHECK(must(must(store.snapshot()).history("SHOP-2")).back().actor.find("ada") !=
        std::string::npos);
  CHECK(must(store.run({"help", "merge"})).out.find("Usage: cairn merge") != std::string::npos);

  const auto wrong = must(store.run({"query", "is:unresolvd", "--json"}));
  CHECK(wrong.exit_code == 1);
  CHECK(wrong.out.find("\"position\":3") != std::string::npos);
  CHECK(must(store.run({"mrge"})).exit_code == 2);
  CHECK(must(store.run({})).exit_code == 2);
  const auto files = must(store.run({"rebuild"}));
  CHECK(files.exit_code == 1);
  CHECK(files.err.find("files of a store") != std::string::npos);
  CHECK(must(store.run({"import", "lines.jsonl"})).exit_code == 1);

  cairn::Cancellation cancellation;
  cancellation.cancel();
  cairn::RunOptions cancelled;
  cancelled.cancel = &cancellation;
  const auto ended = store.run({"query", "title:x*"}, cancelled);
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code == ErrorCode::Closed);
}

TEST_CASE("embed: events are visited until enough") {
  const TempDir dir;
  cairn::Store store = open(dir);
  fill(store);
  const auto snapshot = must(store.snapshot());
  int seen = 0;
  must(snapshot.for_each_event("region:us", {}, [&](const cairn::Event& event) {
    CHECK(event.issue == event.leaf);
    return ++seen < 7;
  }));
  CHECK(seen == 7);
}

TEST_CASE("embed: many threads write and ask at once") {
  const TempDir dir;
  cairn::Store store = open(dir);
  fill(store);
  constexpr int kThreads = 4;
  constexpr int kRounds = 25;
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        const int number = 1000 + t * kRounds + i;
        if (!store.submit({occurrence(number, "many")})) ++failures;
        if (!store.search("is:unresolved")) ++failures;
        if (t == 0 && !store.execute(cairn::Merge{"SHOP-1", {"SHOP-2"}})) ++failures;
        if (t == 0 && !store.execute(cairn::Unmerge{"SHOP-1", {}, 0})) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  const auto table = must(store.aggregate("| count()"));
  CHECK(std::get<int64_t>(table.rows[0][0]) == 60 + kThreads * kRounds);
}

TEST_CASE("embed: closing while others ask answers them") {
  const TempDir dir;
  cairn::Store store = open(dir);
  fill(store);
  std::atomic<bool> closed{false};
  std::atomic<int> odd{0};
  std::vector<std::thread> askers;
  for (int t = 0; t < 3; ++t) {
    askers.emplace_back([&] {
      while (!closed) {
        const auto page = store.search("");
        if (!page && page.error().code != ErrorCode::Closed) ++odd;
      }
    });
  }
  must(store.close());
  closed = true;
  for (std::thread& asker : askers) asker.join();
  CHECK(odd == 0);
}

TEST_CASE("embed: a store for reading is refreshed") {
  const TempDir dir;
  {
    cairn::Store store = open(dir);
    fill(store);
    must(store.checkpoint());
    CHECK(must(store.stats()).occurrences == 60);
    must(store.backup(dir.path() + "/copy"));
  }
  cairn::OpenOptions reading;
  reading.read_only = true;
  cairn::Store reader = open(dir, reading);
  CHECK(must(reader.search("")).total == 3);
  const auto written = reader.execute(cairn::Assign{"SHOP-1", "user:a"});
  REQUIRE_FALSE(written);
  CHECK(written.error().code == ErrorCode::InvalidArgument);
  must(reader.refresh());
  CHECK(must(reader.search("")).total == 3);
}
