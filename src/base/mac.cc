#include "base/mac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/assert.h"

namespace cairn {

Result<MacKey> random_mac_key() {
  MacKey key;
  if (RAND_bytes(key.bytes.data(), static_cast<int>(key.bytes.size())) != 1) {
    return make_error(ErrorCode::Io, "the system gives no random bytes to make a key of");
  }
  return key;
}

Mac mac_of(const MacKey& key, std::string_view bytes) {
  return mac_of({reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()}, bytes);
}

Mac mac_of(std::string_view key, std::string_view bytes) {
  Mac mac;
  unsigned int size = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const unsigned char* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), data,
                                   bytes.size(), mac.data(), &size);
  // Fails for want of memory alone.
  CAIRN_ASSERT(done != nullptr && size == mac.size());
  return mac;
}

bool equal_macs(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace cairn
