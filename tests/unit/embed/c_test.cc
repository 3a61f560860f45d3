// cairn.h from C++; examples/embed/triage.c is the same from C.
#include <catch2/catch.hpp>
#include <string>

#include "cairn/cairn.h"
#include "support/temp_dir.h"

namespace {

using cairn::testing::TempDir;

// Handles that go away at the end of a test.
struct Open {
  explicit Open(const TempDir& dir) {
    cairn_error* error = nullptr;
    const cairn_status status =
        cairn_open((dir.path() + "/store").c_str(), nullptr, &store, &error);
    INFO(cairn_error_message(error));
    REQUIRE(status == CAIRN_OK);
  }
  ~Open() { cairn_close(store, nullptr); }
  cairn_store* store = nullptr;
};

std::string line(int number, const std::string& fingerprint) {
  char id[33];
  std::snprintf(id, sizeof id, "%032x", static_cast<unsigned>(number));
  return std::string(R"({"id":")") + id + R"(","project_id":1,"fingerprint":[")" + fingerprint +
         R"("],"issue_title":"T","subtitle":null,"type":1,"detection_time":)" +
         std::to_string(1'700'000'000 + number) + R"(,"event_id":")" + id + "\"}\n";
}

void fill(cairn_store* store) {
  std::string lines;
  for (int i = 1; i <= 9; ++i) lines += line(i, i <= 6 ? "a" : "b");
  lines += "no json\n";
  cairn_submitted* submitted = nullptr;
  REQUIRE(cairn_submit_json(store, lines.data(), lines.size(), "user:ada", &submitted, nullptr) ==
          CAIRN_OK);
  CHECK(cairn_submitted_counts(submitted).stored == 9);
  CHECK(cairn_submitted_counts(submitted).refused == 1);
  REQUIRE(cairn_submitted_size(submitted) == 10);
  const cairn_item item = cairn_submitted_item(submitted, 9);
  CHECK(item.line == 10);
  CHECK(item.outcome == CAIRN_REFUSED);
  CHECK(item.status == CAIRN_INVALID_ARGUMENT);
  CHECK(std::string(item.message) != "");
  CHECK(cairn_submitted_item(submitted, 10).status == CAIRN_NOT_FOUND);
  cairn_submitted_free(submitted);
  REQUIRE(cairn_set_project_slug(store, 1, "shop", nullptr, nullptr, nullptr) == CAIRN_OK);
}

uint64_t total(const cairn_store* store, const cairn_moment* moment = nullptr) {
  cairn_page* page = nullptr;
  REQUIRE(cairn_search(store, "is:unresolved", nullptr, moment, &page, nullptr) == CAIRN_OK);
  const uint64_t found = cairn_page_total(page);
  cairn_page_free(page);
  return found;
}

}  // namespace

TEST_CASE("c: issues and tables are read through handles") {
  const TempDir dir;
  const Open open(dir);
  fill(open.store);
  cairn_query_options options = CAIRN_QUERY_OPTIONS_INIT;
  options.sort = "freq";
  options.limit = 1;
  cairn_page* page = nullptr;
  REQUIRE(cairn_search(open.store, "", &options, nullptr, &page, nullptr) == CAIRN_OK);
  CHECK(cairn_page_total(page) == 2);
  REQUIRE(cairn_page_size(page) == 1);
  const cairn_issue* issue = cairn_page_issue(page, 0);
  CHECK(std::string(issue->short_id) == "SHOP-1");
  CHECK(issue->count == 6);
  CHECK(issue->first_seen_us == 1'700'000'001'000'000);
  CHECK(cairn_page_issue(page, 1) == nullptr);
  const std::string next = cairn_page_next(page);
  cairn_page_free(page);
  options.cursor = next.c_str();
  REQUIRE(cairn_search(open.store, "", &options, nullptr, &page, nullptr) == CAIRN_OK);
  CHECK(std::string(cairn_page_issue(page, 0)->short_id) == "SHOP-2");
  CHECK(std::string(cairn_page_next(page)).empty());
  cairn_page_free(page);

  cairn_table* table = nullptr;
  REQUIRE(cairn_aggregate(open.store, "| count() by fingerprint", nullptr, nullptr, &table,
                          nullptr) == CAIRN_OK);
  REQUIRE(cairn_table_rows(table) == 2);
  CHECK(std::string(cairn_table_column_name(table, 1)) == "count()");
  CHECK(cairn_table_cell(table, 0, 1).kind == CAIRN_CELL_INTEGER);
  CHECK(cairn_table_cell(table, 0, 1).integer == 6);
  CHECK(cairn_table_cell(table, 9, 9).kind == CAIRN_CELL_NONE);
  cairn_table_free(table);
}

TEST_CASE("c: commands, snapshots and experiments") {
  const TempDir dir;
  const Open open(dir);
  fill(open.store);
  const char* second[] = {"SHOP-2"};
  cairn_write_options options = CAIRN_WRITE_OPTIONS_INIT;
  options.actor = "user:ada";
  options.key = "once";
  cairn_executed* executed = nullptr;
  REQUIRE(cairn_merge(open.store, "SHOP-1", second, 1, &options, &executed, nullptr) == CAIRN_OK);
  CHECK(std::string(cairn_executed_name(executed, 0)) == "SHOP-2");
  cairn_moment then = CAIRN_MOMENT_INIT;
  then.as_of_lsn = cairn_executed_lsn(executed);
  cairn_executed_free(executed);
  REQUIRE(cairn_merge(open.store, "SHOP-1", second, 1, &options, &executed, nullptr) == CAIRN_OK);
  CHECK(cairn_executed_outcome(executed) == CAIRN_DUPLICATE);
  cairn_executed_free(executed);
  CHECK(total(open.store) == 1);
  REQUIRE(cairn_unmerge(open.store, "SHOP-1", nullptr, 0, nullptr, nullptr, nullptr) == CAIRN_OK);
  CHECK(total(open.store) == 2);
  CHECK(total(open.store, &then) == 1);

  cairn_snapshot* snapshot = nullptr;
  REQUIRE(cairn_snapshot_take(open.store, nullptr, &snapshot, nullptr) == CAIRN_OK);
  CHECK(cairn_snapshot_lsn(snapshot) > 10);
  CHECK(cairn_assign(open.store, "SHOP-1", "user:ada", nullptr, nullptr, nullptr) ==
        CAIRN_CONFLICT);
  cairn_events* events = nullptr;
  REQUIRE(cairn_snapshot_events(snapshot, "SHOP-1", nullptr, nullptr, &events, nullptr) ==
          CAIRN_OK);
  CHECK(cairn_events_total(events) == 6);
  CHECK(std::string(cairn_events_event(events, 0).json).front() == '{');
  CHECK(std::string(cairn_events_event(events, 99).json).empty());
  cairn_events_free(events);
  cairn_history* history = nullptr;
  REQUIRE(cairn_snapshot_history(snapshot, "SHOP-2", &history, nullptr) == CAIRN_OK);
  REQUIRE(cairn_history_size(history) >= 3);
  CHECK(std::string(cairn_history_at(history, 1).actor) == "user:ada");
  cairn_history_free(history);
  cairn_snapshot_free(snapshot);

  REQUIRE(cairn_experiment_new(open.store, "all", nullptr, nullptr, nullptr) == CAIRN_OK);
  REQUIRE(cairn_experiment_add(open.store, "all", "merge by title", nullptr, nullptr, nullptr) ==
          CAIRN_OK);
  cairn_moment in = CAIRN_MOMENT_INIT;
  in.experiment = "all";
  CHECK(total(open.store, &in) == 1);
}

TEST_CASE("c: a verb of the command line") {
  const TempDir dir;
  const Open open(dir);
  fill(open.store);
  const char* words[] = {"query", "| count()", "--json"};
  cairn_answer* answer = nullptr;
  REQUIRE(cairn_run(open.store, words, 3, nullptr, nullptr, &answer, nullptr) == CAIRN_OK);
  CHECK(cairn_answer_exit_code(answer) == 0);
  CHECK(std::string(cairn_answer_out(answer)).find("\"rows\":[[9]]") != std::string::npos);
  CHECK(std::string(cairn_answer_err(answer)).empty());
  cairn_answer_free(answer);
}

TEST_CASE("c: errors") {
  const TempDir dir;
  const Open open(dir);
  fill(open.store);
  cairn_error* error = nullptr;
  cairn_page* page = nullptr;
  REQUIRE(cairn_search(open.store, "is:nothing", nullptr, nullptr, &page, &error) ==
          CAIRN_INVALID_ARGUMENT);
  CHECK(page == nullptr);
  CHECK(cairn_error_status(error) == CAIRN_INVALID_ARGUMENT);
  CHECK(cairn_error_position(error) == 3);
  CHECK(std::string(cairn_status_name(cairn_error_status(error))) == "invalid_argument");
  cairn_error_free(error);
  CHECK(cairn_search(open.store, "is:nothing", nullptr, nullptr, nullptr, nullptr) ==
        CAIRN_INVALID_ARGUMENT);
  cairn_store* again = nullptr;
  CHECK(cairn_open((dir.path() + "/store").c_str(), nullptr, &again, nullptr) == CAIRN_CONFLICT);
  CHECK(again == nullptr);
  cairn_error_free(nullptr);

  cairn_cancellation* cancellation = cairn_cancellation_new();
  cairn_cancel(cancellation);
  cairn_query_options options = CAIRN_QUERY_OPTIONS_INIT;
  options.cancel = cancellation;
  CHECK(cairn_search(open.store, "title:x*", &options, nullptr, &page, nullptr) == CAIRN_CLOSED);
  cairn_cancellation_reset(cancellation);
  CHECK(cairn_search(open.store, "title:x*", &options, nullptr, &page, nullptr) == CAIRN_OK);
  cairn_page_free(page);
  cairn_cancellation_free(cancellation);
}
