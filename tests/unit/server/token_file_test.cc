#include "server/token_file.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <set>

#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::server;
using cairn::testing::TempDir;

namespace {

verbs::Rights rights(std::initializer_list<verbs::Scope> scopes,
                     std::vector<ProjectId> projects = {}) {
  verbs::Rights out;
  out.scopes = 0;
  for (const auto scope : scopes) out.scopes |= static_cast<uint8_t>(1u << static_cast<int>(scope));
  out.projects = std::move(projects);
  return out;
}

MadeToken made(const std::string& name, TimeUs expires = {}) {
  auto token = make_token({name, rights({verbs::Scope::Read}), expires}, TimeUs{5});
  REQUIRE(token.ok());
  return *token;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  ::chmod(path.c_str(), 0600);
}

}  // namespace

TEST_CASE("a token is found by its text alone, and the text is not in the file") {
  const TempDir dir;
  const std::string path = dir.path() + "/tokens";
  const MadeToken ci = made("ci");
  const MadeToken ada = made("ada_with_underscores_");
  REQUIRE(write_tokens(path, {ci.token, ada.token}).ok());
  const auto tokens = read_tokens(path);
  REQUIRE(tokens.ok());
  REQUIRE(tokens->size() == 2);
  REQUIRE(find_token(*tokens, ci.text) != nullptr);
  CHECK(find_token(*tokens, ci.text)->name == "ci");
  CHECK(find_token(*tokens, ada.text)->name == ada.token.name);
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  CHECK(text.find(ci.text.substr(ci.text.size() - 43)) == std::string::npos);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("every changed byte of a token makes it none") {
  const MadeToken ci = made("ci");
  const std::vector<Token> tokens = {made("other").token, ci.token};
  REQUIRE(find_token(tokens, ci.text) != nullptr);
  for (size_t i = 0; i < ci.text.size(); ++i) {
    std::string changed = ci.text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK(find_token(tokens, changed) == nullptr);
  }
  CHECK(find_token(tokens, ci.text.substr(0, ci.text.size() - 1)) == nullptr);
  CHECK(find_token(tokens, ci.text + "A") == nullptr);
  CHECK(find_token(tokens, "") == nullptr);
  CHECK(find_token(tokens, "cairn_") == nullptr);
  // The secret of one under the name of another.
  const std::string secret = ci.text.substr(ci.text.size() - 43);
  CHECK(find_token(tokens, "cairn_other_" + secret) == nullptr);
}

TEST_CASE("rights, projects and times survive the file") {
  const TempDir dir;
  const std::string path = dir.path() + "/tokens";
  auto token = make_token(
      {"x", rights({verbs::Scope::Triage, verbs::Scope::Ingest}, {ProjectId{7}, ProjectId{9}}),
       TimeUs{2'000'000'000'000'000}},
      TimeUs{1'000'000'000'000'000});
  REQUIRE(token.ok());
  REQUIRE(write_tokens(path, {token->token}).ok());
  const auto read = read_tokens(path);
  REQUIRE(read.ok());
  const Token& back = read->front();
  CHECK(back.rights.scopes == token->token.rights.scopes);
  CHECK(back.rights.projects == token->token.rights.projects);
  CHECK(back.created == token->token.created);
  CHECK(back.expires == token->token.expires);
  CHECK_FALSE(back.expired(TimeUs{1'999'999'999'999'999}));
  CHECK(back.expired(TimeUs{2'000'000'000'000'000}));
}

TEST_CASE("limits survive the file") {
  const TempDir dir;
  const std::string path = dir.path() + "/tokens";
  SessionLimits limits;
  uint64_t number = kLeastMessageBytes;
  for (const LimitName& name : kLimitNames) limits.*name.limit = number++;
  const auto token = make_token({"x", rights({verbs::Scope::Read}), {}, limits}, TimeUs{5});
  REQUIRE(token.ok());
  REQUIRE(write_tokens(path, {token->token, made("y").token}).ok());
  const auto read = read_tokens(path);
  REQUIRE(read.ok());
  CHECK((*read)[0].limits == limits);
  CHECK((*read)[1].limits == SessionLimits{});
  for (const SessionLimits wrong : {SessionLimits{.message_bytes = kLeastMessageBytes - 1},
                                    SessionLimits{.query_ms = uint64_t{1} << 63}}) {
    CHECK_FALSE(make_token({"x", rights({verbs::Scope::Read}), {}, wrong}, TimeUs{5}).ok());
  }
}

TEST_CASE("names and scopes are checked") {
  for (const std::string name : {"", "a b", "a\"b", "a\nb", "\xC3\xA4"}) {
    CHECK_FALSE(make_token({name, rights({verbs::Scope::Read}), {}}, {}).ok());
  }
  CHECK_FALSE(make_token({std::string(65, 'a'), rights({verbs::Scope::Read}), {}}, {}).ok());
  CHECK_FALSE(make_token({"a", rights({}), {}}, {}).ok());
}

TEST_CASE("a file that is not as written is refused, never read as less strict") {
  const TempDir dir;
  const std::string path = dir.path() + "/tokens";
  CHECK(read_tokens(path)->empty());  // there is none
  const std::string start = "[[token]]\nname = \"a\"\nsalt = \"" + std::string(43, 'A') +
                            "\"\nhash = \"" + std::string(43, 'A') + "\"\n";
  write_file(path, start + "scopes = [\"read\"]\n");
  REQUIRE(read_tokens(path).ok());
  for (const std::string rest :
       {"", "scopes = \"read\"\n", "scopes = [\"reed\"]\n", "scopes = [1]\n",
        "scopes = [\"read\"]\nprojects = 7\n", "scopes = [\"read\"]\nprojects = []\n",
        "scopes = [\"read\"]\nprojects = [\"7\"]\n", "scopes = [\"read\"]\nprojects = [-7]\n",
        "scopes = [\"read\"]\nquery_ms = \"7\"\n", "scopes = [\"read\"]\ncalls = 0\n",
        "scopes = [\"read\"]\nmessage_bytes = 7\n", "scopes = [\"read\"]\nverb_ms = -1\n",
        "scopes = [\"read\"]\nexpires = \"soon\"\n", "scopes = [\"read\"\n"}) {
    INFO(rest);
    write_file(path, start + rest);
    CHECK_FALSE(read_tokens(path).ok());
  }
  write_file(path, start + "scopes = [\"read\"]\n");
  ::chmod(path.c_str(), 0640);
  CHECK_FALSE(read_tokens(path).ok());
}
