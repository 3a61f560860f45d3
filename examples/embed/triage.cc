// A service that keeps its issues in cairn: stores what went wrong, asks what is worst, merges two
// issues that are one, asks again, takes the merge back, and looks at the past.
//
//   make && ./triage shop.cairn
#include <cairn/store.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace {

int fail(const char* doing, const cairn::Error& error) {
  std::fprintf(stderr, "%s: %s (%s)\n", doing, error.message.c_str(),
               cairn::error_code_name(error.code));
  return 1;
}

cairn::Occurrence make_occurrence(int number) {
  const bool checkout = number % 3 != 0;
  char id[33];
  std::snprintf(id, sizeof id, "%032x", number + 1);
  cairn::Occurrence occurrence;
  occurrence.id = id;
  occurrence.project = 1;
  occurrence.fingerprint = {checkout ? "checkout-timeout" : "payment-timeout"};
  occurrence.title = checkout ? "Timeout in checkout" : "Timeout in payment";
  occurrence.level = "error";
  occurrence.time =
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  occurrence.release = number % 2 == 0 ? "shop@1.4.0" : "shop@1.5.0";
  occurrence.user_id = std::to_string(number % 7);
  occurrence.tags = {{"region", number % 2 == 0 ? "eu" : "us"}};
  return occurrence;
}

void print(const cairn::IssuePage& page) {
  for (const cairn::Issue& issue : page.issues) {
    std::printf("%-8s %4llu events %3llu users  %s\n", issue.short_id.c_str(),
                static_cast<unsigned long long>(issue.count),
                static_cast<unsigned long long>(issue.users), issue.title.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  auto opened = cairn::Store::open(argv[1]);
  if (!opened) return fail("open", opened.error());
  cairn::Store& store = *opened;

  cairn::SetProject slug;
  slug.project = 1;
  slug.slug = "shop";

  // Any thread may write; those that wait at the same time share one fdatasync.
  std::vector<std::thread> writers;
  for (int part = 0; part < 3; ++part) {
    writers.emplace_back([&store, part] {
      std::vector<cairn::Occurrence> batch;
      for (int i = part * 100; i < part * 100 + 100; ++i) batch.push_back(make_occurrence(i));
      auto done = store.submit(batch);
      if (!done) fail("submit", done.error());
    });
  }
  for (std::thread& writer : writers) writer.join();
  if (auto set = store.execute(slug); !set) return fail("set project", set.error());

  auto before = store.search("is:unresolved level:error");
  if (!before) return fail("search", before.error());
  print(*before);
  if (before->issues.size() < 2) {
    std::fprintf(stderr, "there should be two issues\n");
    return 1;
  }

  const std::string first = before->issues[0].short_id;
  const std::string second = before->issues[1].short_id;
  cairn::WriteOptions me;
  me.actor = "user:ada";
  auto merged = store.execute(cairn::Merge{first, {second}}, me);
  if (!merged) return fail("merge", merged.error());
  std::printf("%s now shows %s\n", merged->issue.c_str(), merged->issues.front().c_str());

  auto after = store.search("is:unresolved level:error");
  if (!after) return fail("search", after.error());
  print(*after);

  auto table = store.aggregate("level:error | count() uniq(user) by region");
  if (!table) return fail("aggregate", table.error());
  for (const auto& row : table->rows) {
    std::printf("%-4s %4lld events %3lld users\n", std::get<std::string>(row[0]).c_str(),
                static_cast<long long>(std::get<std::int64_t>(row[1])),
                static_cast<long long>(std::get<std::int64_t>(row[2])));
  }

  if (auto undone = store.execute(cairn::Unmerge{first, {}, 0}, me); !undone) {
    return fail("unmerge", undone.error());
  }
  // As it was while they were one; nothing is lost by going on.
  cairn::SnapshotOptions then;
  then.as_of.lsn = merged->lsn;
  auto past = store.search("is:unresolved", {}, then);
  if (!past) return fail("as of", past.error());
  std::printf("as of LSN %llu: %llu issue\n", static_cast<unsigned long long>(merged->lsn),
              static_cast<unsigned long long>(past->total));

  auto wrong = store.search("is:unresolvd");
  if (wrong) return fail("search", {cairn::ErrorCode::Internal, "there is no such value", {}});
  std::printf("%s\n", wrong.error().message.c_str());

  if (auto closed = store.close(); !closed) return fail("close", closed.error());
  return 0;
}
