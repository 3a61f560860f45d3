#include "verbs/label_file.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::verbs;

namespace {

LocalFiles files;
const std::string kA = "00000000-0000-0000-0000-00000000000a";
const std::string kB = "00000000-0000-0000-0000-00000000000b";

struct Written {
  testing::TempDir dir;
  std::string path = dir / "labels.csv";
  explicit Written(const std::string& text) { std::ofstream(path) << text; }
};

}  // namespace

TEST_CASE("a line of CSV is cut at its commas, but for those in quotes") {
  std::vector<std::string> fields;
  REQUIRE(split_csv("a,,\"b,c\",\"d\"\"e\"", fields));
  CHECK(fields == std::vector<std::string>{"a", "", "b,c", "d\"e"});
  REQUIRE(split_csv("", fields));
  CHECK(fields == std::vector<std::string>{""});
  CHECK_FALSE(split_csv("\"a", fields));
  CHECK_FALSE(split_csv("\"a\"b,c", fields));
}

TEST_CASE("labels are read with and without a line that names columns") {
  const Written named("occurrence_id,issue,group\n" + kA + ",i1,E1\n" + kB + ",i1,E2\n");
  auto labels = read_labels(files, named.path, "");
  REQUIRE(labels.ok());
  CHECK(labels->occurrences.size() == 2);
  CHECK(labels->groups == std::vector<uint32_t>{1, 2});
  CHECK(read_labels(files, named.path, "issue")->groups == std::vector<uint32_t>{1, 1});
  const auto missing = read_labels(files, named.path, "truth");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message.find("occurrence_id, issue, group") != std::string::npos);
  const Written bare(kA + ",E1\n\n" + kB + ",E1\n");
  CHECK(read_labels(files, bare.path, "")->groups == std::vector<uint32_t>{1, 1});
}

TEST_CASE("lines that are no labels are named") {
  const Written no_id("occurrence_id,group\nnobody,E1\n");
  CHECK(read_labels(files, no_id.path, "").error().message.find(":2: 'nobody'") !=
        std::string::npos);
  const Written short_line(kA + ",E1\n" + kB + "\n");
  CHECK(read_labels(files, short_line.path, "").error().message.find(":2:") != std::string::npos);
  const Written open_quote(kA + ",\"E1\n");
  CHECK(read_labels(files, open_quote.path, "").error().message.find(":1:") != std::string::npos);
  CHECK(read_labels(files, "/nowhere/labels.csv", "").error().code == ErrorCode::NotFound);
}
