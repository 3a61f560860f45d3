#include "rpc/address.h"

#include <catch2/catch.hpp>

using namespace cairn;
using rpc::Address;
using rpc::parse_address;

TEST_CASE("addresses are read and written alike") {
  for (const std::string text :
       {"unix:/run/cairn.sock", "unix:relative path", "tcp:localhost:7117", "tls:10.0.0.1:1",
        "tcp:[::1]:65535", "tcp:0.0.0.0:0", "systemd", "systemd:cairn.socket"}) {
    const auto address = parse_address(text);
    REQUIRE(address.ok());
    CHECK(address->text() == text);
  }
  CHECK(parse_address("tcp:[::1]:80")->host == "::1");
}

TEST_CASE("what is no address is refused with what is expected") {
  for (const std::string text :
       {"", "unix:", "tcp:", "tcp:host", "tcp:host:", "tcp:host:65536", "tcp:host:-1",
        "tcp:host:1x", "tcp::80", "tcp:::1:80", "tcp:[host]:80", "tcp:a/b:80", "http:a:80",
        "tls:ho st:80", "/var/shop.cairn", "tcp:host:99999999999999999999"}) {
    INFO(text);
    const auto address = parse_address(text);
    REQUIRE_FALSE(address.ok());
    CHECK(address.error().code == ErrorCode::InvalidArgument);
    CHECK(address.error().message.find("unix:PATH") != std::string::npos);
  }
  CHECK_FALSE(parse_address("unix:" + std::string(108, 'a')).ok());
  CHECK(parse_address("unix:" + std::string(107, 'a')).ok());
  CHECK_FALSE(parse_address(std::string("unix:a\0b", 8)).ok());
}

TEST_CASE("local is what no other machine reaches") {
  for (const std::string text :
       {"unix:/a", "tcp:127.0.0.1:1", "tls:127.8.9.1:1", "tcp:[::1]:1", "tcp:localhost:1"}) {
    CHECK(is_local(*parse_address(text)));
  }
  for (const std::string text : {"tcp:0.0.0.0:1", "tcp:10.0.0.1:1", "tcp:[::]:1", "tcp:host:1",
                                 "tcp:127.0.0.1.example:1", "systemd"}) {
    CHECK_FALSE(is_local(*parse_address(text)));
  }
}
