/* The same as triage.cc in C, with lines of JSON as they come from elsewhere. */
#include <cairn/cairn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OCCURRENCES = 300, LINE_BYTES = 512 };

/* Prints what went wrong, if something did, and ends the program. */
static void check(cairn_status status, cairn_error* error, const char* doing) {
  if (status == CAIRN_OK) return;
  fprintf(stderr, "%s: %s (%s)\n", doing, cairn_error_message(error), cairn_status_name(status));
  cairn_error_free(error);
  exit(1);
}

static char* make_lines(void) {
  char* lines = malloc((size_t)OCCURRENCES * LINE_BYTES);
  size_t used = 0;
  int i;
  if (lines == NULL) exit(1);
  for (i = 0; i < OCCURRENCES; ++i) {
    const char* what = i % 3 != 0 ? "checkout" : "payment";
    used += (size_t)snprintf(
        lines + used, LINE_BYTES,
        "{\"id\":\"%032x\",\"project_id\":1,\"fingerprint\":[\"%s-timeout\"],"
        "\"issue_title\":\"Timeout in %s\",\"subtitle\":null,\"type\":1,\"level\":\"error\","
        "\"detection_time\":%d,\"event\":{\"event_id\":\"%032x\",\"tags\":{\"region\":\"%s\"}}}\n",
        (unsigned)(i + 1), what, what, 1700000000 + i, (unsigned)(i + 1),
        i % 2 == 0 ? "eu" : "us");
  }
  return lines;
}

static void print_page(const cairn_page* page) {
  size_t i;
  for (i = 0; i < cairn_page_size(page); ++i) {
    const cairn_issue* issue = cairn_page_issue(page, i);
    printf("%-8s %4" PRIu64 " events  %s\n", issue->short_id, issue->count, issue->title);
  }
}

int main(int argc, char** argv) {
  cairn_store* store = NULL;
  cairn_error* error = NULL;
  cairn_submitted* submitted = NULL;
  cairn_page* page = NULL;
  cairn_executed* executed = NULL;
  cairn_table* table = NULL;
  cairn_write_options me = CAIRN_WRITE_OPTIONS_INIT;
  cairn_query_options options = CAIRN_QUERY_OPTIONS_INIT;
  char first[64];
  char second[64];
  const char* seconds[1];
  char* lines;
  size_t row;

  if (argc != 2) {
    fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  check(cairn_open(argv[1], NULL, &store, &error), error, "open");

  lines = make_lines();
  check(cairn_submit_json(store, lines, strlen(lines), NULL, &submitted, &error), error, "submit");
  free(lines);
  printf("%" PRIu64 " stored\n", cairn_submitted_counts(submitted).stored);
  cairn_submitted_free(submitted);

  check(cairn_set_project_slug(store, 1, "shop", NULL, NULL, &error), error, "set project");
  options.sort = "freq";
  check(cairn_search(store, "is:unresolved level:error", &options, NULL, &page, &error), error,
        "search");
  print_page(page);
  if (cairn_page_size(page) < 2) {
    fprintf(stderr, "there should be two issues\n");
    return 1;
  }
  snprintf(first, sizeof first, "%s", cairn_page_issue(page, 0)->short_id);
  snprintf(second, sizeof second, "%s", cairn_page_issue(page, 1)->short_id);
  cairn_page_free(page);

  me.actor = "user:ada";
  seconds[0] = second;
  check(cairn_merge(store, first, seconds, 1, &me, &executed, &error), error, "merge");
  printf("%s now shows %s\n", cairn_executed_issue(executed), cairn_executed_name(executed, 0));
  cairn_executed_free(executed);

  check(cairn_search(store, "is:unresolved level:error", NULL, NULL, &page, &error), error,
        "search");
  print_page(page);
  cairn_page_free(page);

  check(cairn_aggregate(store, "level:error | count() by region", NULL, NULL, &table, &error),
        error, "aggregate");
  for (row = 0; row < cairn_table_rows(table); ++row) {
    printf("%-4s %4" PRId64 " events\n", cairn_table_cell(table, row, 0).text,
           cairn_table_cell(table, row, 1).integer);
  }
  cairn_table_free(table);

  check(cairn_unmerge(store, first, NULL, 0, &me, NULL, &error), error, "unmerge");

  if (cairn_search(store, "is:unresolvd", NULL, NULL, &page, &error) == CAIRN_OK) return 1;
  printf("%s\n", cairn_error_message(error));
  cairn_error_free(error);

  check(cairn_close(store, &error), error, "close");
  return 0;
}
