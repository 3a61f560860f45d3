#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/hash.h"
#include "model/message.h"
#include "model/occurrence.h"
#include "support/awkward_occurrence.h"
#include "support/real_data.h"

namespace cairn::model {
namespace {

Occurrence with_event(std::string members) {
  Occurrence o;
  o.fingerprint = {"f"};
  o.event = R"({"event_id":"00000000000000000000000000000001")" + std::move(members) + "}";
  return o;
}

std::string name_of(const Term& term) {
  if (term.id == FieldId{0}) return "tags." + std::string(term.tag);
  return std::string(builtin_fields()[raw(term.id) - 1u].name);
}

std::vector<std::string> terms_of(const Occurrence& o) {
  TermExtractor extractor;
  std::vector<std::string> all;
  for (const Term& term : extractor.extract(o))
    all.push_back(name_of(term) + "=" + std::string(term.value));
  return all;
}

// Without those that every occurrence has, and those of term_details_test.cc.
std::vector<std::string> event_terms(std::string members) {
  TermExtractor extractor;
  std::vector<std::string> all;
  const Occurrence o = with_event(std::move(members));
  for (const Term& term : extractor.extract(o)) {
    if (term.id > field::kLastAttribute) continue;
    all.push_back(name_of(term) + "=" + std::string(term.value));
  }
  std::erase_if(all, [](const std::string& term) {
    return term == "level=info" || term == "fingerprint=f" || term == "issue.type=0";
  });
  return all;
}

using Terms = std::vector<std::string>;

}  // namespace

TEST_CASE("builtin fields are listed by id, names once") {
  std::set<std::string_view> names;
  uint16_t id = 0;
  for (const BuiltinField& field : builtin_fields()) {
    CHECK(raw(field.id) == ++id);
    CHECK(names.insert(field.name).second);
  }
  CHECK(id == raw(field::kLastBuiltin));
}

TEST_CASE("terms of the occurrence itself") {
  Occurrence o;
  o.fingerprint = {"fine", "coarse", "fine"};
  o.title = "T";
  o.subtitle = "";
  o.culprit = "c";
  o.level_text = "fatal";
  o.type = 9001;
  CHECK(terms_of(o) == Terms{"level=fatal", "fingerprint=fine", "fingerprint=coarse", "culprit=c",
                             "title=T", "issue.type=9001", "fingerprint[2]=coarse",
                             "fingerprint[3]=fine"});
}

TEST_CASE("the second to fifth entry of a fingerprint list are fields of their own") {
  Occurrence o;
  o.fingerprint = {"a", "b", "", "d", "e", "f"};
  const Terms terms = terms_of(o);
  for (const char* term : {"fingerprint[2]=b", "fingerprint[4]=d", "fingerprint[5]=e"}) {
    CHECK(std::find(terms.begin(), terms.end(), term) != terms.end());
  }
  for (const std::string& term : terms) {
    CHECK_FALSE(term.starts_with("fingerprint[1]"));
    CHECK_FALSE(term.starts_with("fingerprint[3]"));
    CHECK_FALSE(term.starts_with("fingerprint[6]"));
  }
}

TEST_CASE("attributes of the event") {
  CHECK(event_terms(R"(,"platform":"java","environment":"prod","release":"a@1","dist":5,)"
                    R"("transaction":"GET /","logger":"l","server_name":"s","trace_id":"old",)"
                    R"("request":{"url":"http://x/\u00e9","method":"GET","headers":[]},)"
                    R"("contexts":{"os":{"name":"Linux"},"trace":{"trace_id":"abc"}},)"
                    R"("sdk":{"name":"sdk","version":"1.2"},"message":"m",)"
                    R"("logentry":{"message":"a %s","formatted":"a b"})") ==
        Terms{"platform=java", "environment=prod", "release=a@1", "dist=5", "transaction=GET /",
              "logger=l", "server_name=s", "url=http://x/\xC3\xA9", "http.method=GET", "trace=abc",
              "sdk.name=sdk", "sdk.version=1.2", "message=a b", "tags.os.name=Linux"});
}

TEST_CASE("the order of members in the event does not matter") {
  CHECK(event_terms(R"(,"contexts":{"trace":{"trace_id":"abc"}},"trace_id":"old")") ==
        Terms{"trace=abc"});
  CHECK(event_terms(R"(,"logentry":{"message":"a"},"message":"b")") == Terms{"message=a"});
  CHECK(event_terms(R"(,"message":"b","logentry":{"message":"","formatted":null})") ==
        Terms{"message=b"});
  CHECK(event_terms(R"(,"tags":{"release":"t"},"release":"r")") ==
        Terms{"release=r", "tags.release=t"});
}

TEST_CASE("a tag stands in for an attribute the event does not have") {
  CHECK(event_terms(R"(,"release":"","environment":null,"tags":{"environment":"e","release":"r",)"
                    R"("url":"u","dist":"d"})") ==
        Terms{"environment=e", "release=r", "dist=d", "url=u", "tags.environment=e",
              "tags.release=r", "tags.url=u", "tags.dist=d"});
}

TEST_CASE("the user by the best name there is") {
  CHECK(event_terms(R"(,"user":{"email":"e","id":"1","ip_address":"i","username":"n"})") ==
        Terms{"user=id:1", "user.email=e", "user.username=n", "user.ip=i"});
  CHECK(event_terms(R"(,"user":{"id":17})") == Terms{"user=id:17"});
  CHECK(event_terms(R"(,"user":{"id":"","username":"n"})") ==
        Terms{"user=username:n", "user.username=n"});
  CHECK(event_terms(R"(,"user":{"id":null,"email":"e"})") == Terms{"user=email:e", "user.email=e"});
  CHECK(event_terms(R"(,"user":{"ip_address":"::1"})") == Terms{"user=ip:::1", "user.ip=::1"});
  CHECK(event_terms(R"(,"user":{})").empty());
}

TEST_CASE("exception types, each once, in all three shapes") {
  CHECK(event_terms(R"(,"exception":{"values":[{"type":"A"},{"type":"B"},{"type":"A"},{}]})") ==
        Terms{"error.type=A", "error.type=B"});
  CHECK(event_terms(R"(,"exception":[{"type":"A"},null])") == Terms{"error.type=A"});
  CHECK(event_terms(R"(,"exception":{"type":"A","value":"v"})") == Terms{"error.type=A"});
  std::string many;
  for (int i = 0; i < 100; ++i)
    many += (i == 0 ? "{\"type\":\"T" : ",{\"type\":\"T") + std::to_string(i % 40) + "\"}";
  CHECK(event_terms(",\"exception\":[" + many + "]").size() == 40);
}

TEST_CASE("tags in order of appearance, scalars as text, empty ones left out") {
  CHECK(event_terms(R"(,"tags":{"z":"1","a":2.50,"t":true,"n":null,"e":"","\u00e9":"\n"})") ==
        Terms{"tags.z=1", "tags.a=2.50", "tags.t=true", "tags.\xC3\xA9=\n"});
  CHECK(event_terms(R"(,"tags":[["z","1"],["a",2],["z","1"]])") == Terms{"tags.z=1", "tags.a=2"});
  CHECK(event_terms(",\"tags\":{\"" + std::string(kMaxTagKeyBytes + 1, 'k') + "\":\"v\"}").empty());
}

TEST_CASE("unexpected shapes inside an event are no terms and no error") {
  for (const std::string name :
       {"platform", "user", "exception", "request", "contexts", "logentry", "sdk", "tags"}) {
    for (const std::string value : {"null", "[]", "{}", "[[]]", "[{}]", "[[1,2]]", "[\"a\"]",
                                    R"({"values":5})", R"({"trace":5})", R"({"url":{}})"}) {
      CAPTURE(name, value);
      const auto terms = event_terms(",\"" + name + "\":" + value);
      CHECK(terms == (name == "tags" && value == R"({"values":5})"  ? Terms{"tags.values=5"}
                      : name == "tags" && value == R"({"trace":5})" ? Terms{"tags.trace=5"}
                                                                    : Terms{}));
    }
  }
}

TEST_CASE("an event that is no JSON has no terms") {
  Occurrence o;
  o.fingerprint = {"f"};
  o.event = "{\"platform\":\"java\"";
  CHECK(terms_of(o) == Terms{"level=info", "fingerprint=f", "issue.type=0"});
}

TEST_CASE("extraction is a function of the occurrence, whatever was extracted before") {
  const uint64_t seed = 98'123;
  std::cout << "terms_test: seed " << seed << '\n';
  std::mt19937_64 random(seed);
  TermExtractor reused;
  for (int i = 0; i < 2000; ++i) {
    const Occurrence o = testing::awkward_occurrence(random);
    std::vector<std::string> again;
    std::set<std::string> distinct;
    FieldId last{0};
    for (const Term& term : reused.extract(o)) {
      again.push_back(name_of(term) + "=" + std::string(term.value));
      REQUIRE(distinct.insert(again.back()).second);
      REQUIRE(!term.value.empty());
      REQUIRE((term.id == FieldId{0}) != term.tag.empty());
      if (term.id != FieldId{0}) REQUIRE(raw(term.id) >= raw(last));
      last = term.id == FieldId{0} ? kMaxFieldId : term.id;
    }
    REQUIRE(again == terms_of(o));
  }
}

std::vector<std::string> texts_of(const TermBatch& batch, size_t index) {
  std::vector<std::string> all;
  for (const BatchTerm& term : batch.terms(index)) {
    const std::string name = term.is_tag()
                                 ? "tags." + std::string(batch.tags()[term.tag()])
                                 : std::string(builtin_fields()[raw(term.field()) - 1u].name);
    all.push_back(name + "=" + std::string(term.value()));
    REQUIRE(term.hash() == hash64(term.value()));
  }
  return all;
}

TEST_CASE("a parser gives the terms that the stored occurrence has") {
  const uint64_t seed = 71'077;
  std::cout << "terms_test: seed " << seed << '\n';
  std::mt19937_64 random(seed);
  MessageParser parser;
  TermExtractor extractor;
  TermBatch parsed, extracted, copied;
  std::vector<std::string> lines;
  for (int i = 0; i < 2000; ++i) lines.push_back(to_json(testing::awkward_occurrence(random)));
  for (const char* members :
       {R"("tags":{"a":"\u00e9","b":1,"c":true},"user":{"id":"\n"})",
        R"("tags":[["a",1],["b","c"]])",
        R"("exception":{"values":[{"type":"A\u0041"},{"type":5},[]]},"tags":null)",
        R"("contexts":{"trace":{"trace_id":[1,{"x":2}]}},"logentry":{"formatted":{"a":[[]]}})",
        R"("request":{"url":"u","method":"GET"},"release":2.50,"dist":"","environment":[])",
        R"("exception":{"values":[{"value":"a\n","mechanism":{"type":"m","handled":false},)"
        R"("stacktrace":{"frames":[{"function":"f","module":"m\t","in_app":true}]}}]})",
        R"("contexts":{"os":{"name":"\u00e9","build":5},"response":{"status_code":404}},)"
        R"("request":{"headers":[["Referer","r"]]},"user":{"geo":{"city":"c"}},"location":"l")"}) {
    lines.push_back(R"({"id":"00000000000000000000000000000001","project_id":1,"type":1,)"
                    R"("fingerprint":["f"],"issue_title":"T","subtitle":null,"detection_time":1,)"
                    R"("event":{"event_id":"00000000000000000000000000000001",)" +
                    std::string(members) + "}}");
  }
  lines.push_back(R"({"t":1,"project_id":1,"op":"note","fp":"f"})");
  for (const std::string& line : lines) {
    const auto message = parser.parse(line, &parsed);
    if (!message.ok()) continue;
    if (const auto* o = std::get_if<Occurrence>(&*message)) {
      extractor.extract(*o, extracted);
    } else {
      extracted.end();
    }
    REQUIRE(parsed.size() == extracted.size());
    copied.append(parsed, parsed.size() - 1);
    if (copied.size() == 100) copied.clear();
    const auto texts = texts_of(extracted, extracted.size() - 1);
    REQUIRE(texts_of(parsed, parsed.size() - 1) == texts);
    if (copied.size() > 0) REQUIRE(texts_of(copied, copied.size() - 1) == texts);
  }
  CHECK(parsed.size() > lines.size() / 2);
  CHECK(parsed.terms(parsed.size() - 1).empty());
  const size_t before = parsed.size();
  CHECK(!parser.parse("{", &parsed).ok());
  CHECK(parsed.size() == before);
}

TEST_CASE("terms of real lines") {
  const auto files = testing::real_files({"loghub", "sentry-events"});
  MessageParser parser;
  TermExtractor extractor;
  std::map<std::string, size_t> fields;
  size_t occurrences = 0;
  for (const std::string& path : files) {
    testing::for_each_line(path, [&](std::string_view line) {
      const Occurrence o = std::get<Occurrence>(*parser.parse(line));
      ++occurrences;
      for (const Term& term : extractor.extract(o)) ++fields[name_of(term)];
    });
  }
  if (files.empty()) return;
  for (const std::string every : {"level", "platform", "title", "issue.type", "tags.level"})
    CHECK(fields[every] >= occurrences - 134);
  CHECK(fields["error.type"] > 50);
  CHECK(fields["message"] > 20'000);
  CHECK(fields["user"] > 1000);
}

}  // namespace cairn::model
