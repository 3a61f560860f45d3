// Five hundred queries over real files, held against a scan of every occurrence with the predicate:
// issues with their counts and times, every sort, page by page, and tables. Some are what a person
// would ask, the others are made of values that occur. CAIRN_SEED=N makes others.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <set>

#include "client/importer.h"
#include "query/ast_print.h"
#include "support/real_queries.h"
#include "support/store_queries.h"
#include "support/temp_dir.h"
#include "verbs/line_source.h"

namespace cairn::testing {
namespace {

namespace fs = std::filesystem;

struct RealStore {
  const char* name;
  std::vector<const char*> files;    // below the shared data
  std::vector<const char*> queries;  // what people would ask
  int made;                          // queries made of values
};

RealStore crashes() {
  return {"crashes",
          {"sentry-events/grouping-inputs.jsonl.gz", "syzkaller/linux.jsonl.gz"},
          {"",
           "is:unresolved",
           "level:fatal",
           "!level:fatal",
           "KASAN",
           "use-after-free Read",
           "title:\"KASAN: use-after-free*\"",
           "title:[\"KASAN: *\", \"WARNING*\"]",
           "kind:[HANG, WARNING, DoS] !corrupted:yes",
           "kind:KASAN* OR kind:KMSAN*",
           "(kind:HANG OR kind:DoS) panicked:yes",
           "hardware:*Google* !hardware:QEMU*",
           "has:release !has:environment",
           "release.version:>=4.15 release.version:<5",
           "kernel:contains:rc",
           "title://^(INFO|BUG): .*(task|stall)//",
           "error.type:contains:KASAN kind:ends_with:READ",
           "platform:[python, java, javascript]",
           "platform:javascript (TypeError OR ReferenceError)",
           "!has:error.type",
           "has:logger environment:production",
           "timestamp:>=2018-01-01 timestamp:<2019-01-01",
           "first_seen:2018-06-20 OR last_seen:<2017-10-01",
           "times_seen:>3",
           "type:1 is:new"},
          225};
}

RealStore trackers() {
  return {"trackers",
          {"jira-apache/zookeeper.occurrences.jsonl.gz", "jira-apache/zookeeper.ops.jsonl.gz",
           "github-timelines/gui.occurrences.jsonl.gz", "github-timelines/gui.ops.jsonl.gz"},
          {"is:unresolved",
           "is:resolved level:fatal",
           "is:resolved OR is:archived",
           "is:unresolved is:unassigned",
           "is:assigned !is:resolved",
           "merged:>0",
           "merged:true times_seen:>=3",
           "merged:false is:resolved priority:high",
           "NullPointerException",
           "title:\"*connection*\" component:[\"c client\", \"java client\"]",
           "priority:high component:server",
           "tags[priority]:[Blocker, Critical] version:3.4.*",
           "exception:*Exception !exception:NullPointerException",
           "os:linux (component:server OR component:tests) !is:resolved",
           "release.version:>=3.4.6 release.version:<3.5",
           "release.version:3.5.x error.type:contains:IOException",
           "label:Bug kind:issue",
           "kind:pull association:[MEMBER, CONTRIBUTOR] is:resolved",
           "\"session expired\" OR (session timeout)",
           "has:exception !where:comment",
           "user:id:u_* timestamp:>=2010-01-01 timestamp:<2011-01-01",
           "type:feedback OR type:6001",
           "age:+3000d last_seen:-1000d",
           "!(is:resolved OR has:error.type)",
           "culprit:*zookeeper*"},
          125};
}

RealStore logs() {
  return {"logs",
          {"loghub/openssh.jsonl.gz", "loghub/hdfs.jsonl.gz", "loghub/openstack.jsonl.gz"},
          {"level:error",
           "level:[error, warning] component:sshd",
           "Failed password",
           "message:\"Failed password for invalid user *\" user.ip:173.234.*",
           "user.username:[root, admin] !message:*root*",
           "user.ip:\"\" level:error",
           "component:dfs.DataNode* !component:*Responder",
           "message:\"*blk_*\" pid:[19, 28]",
           "message://^10[.](251|250)[.]//",
           "message://POST .* HTTP/1[.]1\" status: 20[24]//",
           "service:nova-api method:POST",
           "tags[status,number]:>=400",
           "tags[status,number]:<300 tags[method]:GET \"servers/detail\"",
           "method:[GET, POST] !tags[status]:200",
           "timestamp:2017-05-16T00:05:00",
           "timestamp:>=2017-12-10T07:00:00 timestamp:<2017-12-10T09:00:00 level:error",
           "request:starts_with:req-3ea",
           "(component:sshd OR service:nova*) has:user",
           "times_seen:>500",
           "times_seen:<5 level:warning",
           "NOT component:sshd user:*",
           "\"POSSIBLE BREAK-IN ATTEMPT!\"",
           "break-in attempt",
           "project:107 OR project:[104, 108] level:warning",
           "server_name:* OR logger:dfs.FSNamesystem"},
          75};
}

// What the scan says of one issue.
struct Row {
  GroupId issue{};
  Counted counted;
  std::set<std::string> users;
};

struct Matched {
  const model::Occurrence* occurrence;
  GroupId issue;
};

class Scan {
 public:
  Scan(const query::Query& query, const query::View& view, std::span<const ScannedLog::Seen> seen,
       TimeUs now) {
    auto predicate = query::Predicate::bind(query, view.forest(), now);
    INFO((predicate.ok() ? std::string() : predicate.error().message));
    REQUIRE(predicate.ok());
    for (const ScannedLog::Seen& one : seen) {
      const GroupId issue = issue_of(view.forest(), one.decided_by);
      if (issue == GroupId{} || !predicate->matches(one.occurrence, issue)) continue;
      matched.push_back({&one.occurrence, issue});
    }
  }

  std::vector<Row> rows(query::Sort sort) const {
    std::map<GroupId, Row> rows;
    model::TermExtractor extractor;
    for (const Matched& match : matched) {
      Row& row = rows[match.issue];
      row.issue = match.issue;
      const TimeUs time = match.occurrence->time();
      Counted& counted = row.counted;
      counted.first = counted.count == 0 ? time : std::min(counted.first, time);
      counted.last = counted.count == 0 ? time : std::max(counted.last, time);
      ++counted.count;
      for (const model::Term& term : extractor.extract(*match.occurrence)) {
        if (term.id == model::field::kUser) row.users.emplace(term.value);
      }
    }
    std::vector<Row> sorted;
    for (auto& [issue, row] : rows) sorted.push_back(std::move(row));
    const auto key = [sort](const Row& row) {
      switch (sort) {
        case query::Sort::Date:
          return raw(row.counted.last);
        case query::Sort::New:
          return raw(row.counted.first);
        case query::Sort::Freq:
          return static_cast<int64_t>(row.counted.count);
        default:
          return static_cast<int64_t>(row.users.size());
      }
    };
    std::sort(sorted.begin(), sorted.end(), [&](const Row& a, const Row& b) {
      return key(a) != key(b) ? key(a) > key(b) : raw(a.issue) > raw(b.issue);
    });
    return sorted;
  }

  std::vector<Matched> matched;
};

void check_row(const query::IssueRow& row, const Row& want) {
  REQUIRE(row.id == want.issue);
  REQUIRE(row.count == want.counted.count);
  REQUIRE(row.users == want.users.size());
  REQUIRE(row.first == want.counted.first);
  REQUIRE(row.last == want.counted.last);
}

// All pages to the end, and back again to the first.
void check_pages(const query::View& view, const query::Query& query, const Scan& scan,
                 query::Sort sort, uint32_t page_size, TimeUs now) {
  const std::vector<Row> expected = scan.rows(sort);
  query::SearchOptions options;
  options.now = now;
  options.sort = sort;
  options.limit = std::max<uint32_t>(page_size, static_cast<uint32_t>(expected.size() / 20));
  const auto read = [&]() -> query::SearchPage {
    auto page = query::search(view, query, options);
    INFO((page.ok() ? std::string() : page.error().message));
    REQUIRE(page.ok());
    REQUIRE(page->total == expected.size());
    return *std::move(page);
  };
  query::SearchPage page = read();
  size_t begin = 0;
  const auto check_at = [&](size_t at) {
    INFO("page at row " << at);
    REQUIRE(at + page.issues.size() <= expected.size());
    for (size_t i = 0; i < page.issues.size(); ++i) check_row(page.issues[i], expected[at + i]);
  };
  for (check_at(0); page.next; check_at(begin)) {
    begin += page.issues.size();
    options.cursor = *page.next;
    page = read();
  }
  REQUIRE(begin + page.issues.size() == expected.size());
  while (page.prev) {
    options.cursor = *page.prev;
    page = read();
    REQUIRE(begin >= page.issues.size());
    begin -= page.issues.size();
    check_at(begin);
  }
  REQUIRE(begin == 0);
}

// count() uniq(user) by FIELD, without regard to order.
void check_table(const query::View& view, query::Query query, const Scan& scan,
                 const query::Key& field, TimeUs now) {
  struct Content {
    int64_t count = 0;
    std::set<std::string> users;
  };
  const query::FieldRef ref = query::find_field(field);
  std::map<std::optional<std::string>, Content> expected;
  model::TermExtractor extractor;
  for (const Matched& match : scan.matched) {
    std::set<std::string> values, users;
    for (const model::Term& term : extractor.extract(*match.occurrence)) {
      if (term.id == model::field::kUser) users.emplace(term.value);
      const bool here = ref.event.id != FieldId{0}
                            ? term.id == ref.event.id
                            : term.id == FieldId{0} && term.tag == ref.event.tag;
      if (here) values.emplace(term.value);
    }
    const auto add = [&](const std::optional<std::string>& name) {
      ++expected[name].count;
      expected[name].users.insert(users.begin(), users.end());
    };
    for (const std::string& value : values) add(value);
    if (values.empty()) add(std::nullopt);
  }
  query::AggregateStage stage;
  query::Key user;
  user.name = "user";
  stage.calls = {{"count", {}, {}}, {"uniq", {user}, {}}};
  stage.by = {field};
  query.stages.emplace_back(stage);
  query::SearchOptions options;
  options.now = now;
  const auto table = query::aggregate(view, query, options);
  INFO(print(query) << (table.ok() ? std::string() : ": " + table.error().message));
  REQUIRE(table.ok());
  REQUIRE(table->total == expected.size());
  for (const auto& row : table->rows) {
    const auto* name = std::get_if<std::string>(&row.at(0).value);
    const auto found =
        expected.find(name != nullptr ? std::optional<std::string>(*name) : std::nullopt);
    REQUIRE(found != expected.end());
    CHECK(std::get<int64_t>(row.at(1).value) == found->second.count);
    CHECK(std::get<int64_t>(row.at(2).value) == static_cast<int64_t>(found->second.users.size()));
  }
}

// Queries that find something, but not everything, tell the most.
struct Tally {
  int queries = 0;
  int telling = 0;
};

void check_store(const RealStore& real, const std::string& data, uint64_t seed, Tally& tally) {
  const TempDir directory;
  ManualClock clock(TimeUs{1'800'000'000'000'000});
  engine::StoreOptions store_options;
  store_options.clock = &clock;
  store_options.head_limit = 1'500;  // several segments and a head
  auto store = engine::Store::open(directory / "store", store_options);
  REQUIRE(store.ok());
  client::StoreSink sink(**store);
  std::vector<client::ImportInput> inputs;
  for (const char* file : real.files) {
    const std::string path = data + "/" + file;
    inputs.push_back(
        {path, [path](client::WaitHooks hooks) { return verbs::open_lines(path, hooks); }, {}});
  }
  client::ImportOptions how;
  how.by_time = true;
  REQUIRE(client::import_messages(sink, inputs, how).refused == 0);

  ScannedLog log;
  REQUIRE(log.catch_up(**store).ok());
  RealQueries queries(seed);
  for (const auto& seen : log.seen) queries.learn(seen.occurrence);
  const auto snapshot = (*store)->snapshot();
  REQUIRE(snapshot.ok());
  const query::View& view = (*snapshot)->view();
  const int count = static_cast<int>(real.queries.size()) + real.made;
  for (int i = 0; i < count; ++i) {
    std::string text;
    if (i < static_cast<int>(real.queries.size())) {
      text = real.queries[static_cast<size_t>(i)];
    } else {
      query::Query made;
      made.filter = queries.node(2);
      text = print(made);
    }
    INFO(real.name << ", seed " << seed << ", query " << i << ": " << text);
    auto parsed = query::parse(text);
    INFO((parsed.ok() ? std::string() : parsed.error().message));
    REQUIRE(parsed.ok());
    const Scan scan(*parsed, view, log.seen, clock.now());
    const auto sort = static_cast<query::Sort>(queries.below(4));
    check_pages(view, *parsed, scan, sort, static_cast<uint32_t>(1 + queries.below(40)),
                clock.now());
    check_table(view, *std::move(parsed), scan, queries.field(), clock.now());
    ++tally.queries;
    if (!scan.matched.empty() && scan.matched.size() < log.seen.size()) ++tally.telling;
  }
  std::cout << real.name << ": " << log.seen.size() << " occurrences, " << count << " queries\n";
}

TEST_CASE("queries of real files answer as a scan does") {
  const char* shared = std::getenv("CAIRN_SHARED");
  const std::string data = std::string(shared != nullptr ? shared : "../shared") + "/data";
  if (!fs::is_directory(data)) {
    WARN("skipped: no real data here (set CAIRN_SHARED to its folder)");
    return;
  }
  const char* given = std::getenv("CAIRN_SEED");
  const uint64_t seed = given != nullptr && *given != '\0' ? std::strtoull(given, nullptr, 10) : 5;
  Tally tally;
  for (const RealStore& real : {crashes(), trackers(), logs()})
    check_store(real, data, seed, tally);
  std::cout << tally.queries << " queries, seed " << seed << "; " << tally.telling
            << " found some occurrences, but not all\n";
  CHECK(tally.queries >= 500);
  CHECK(tally.telling > tally.queries / 2);
}

}  // namespace
}  // namespace cairn::testing
