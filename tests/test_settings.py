"""Settings: valid values are accepted, and any other is refused with a message that names the setting."""

import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

from settings import (
    NAMES,
    SOCKET_LENGTH,
    BadSetting,
    Settings,
    mongo_socket,
    mongo_url,
    redis_url,
    socket_folder,
)
from tests.disks import full

SECRET = "a secret of just thirty-two char"
MALFORMED = {
    "SITE_PORT": ("", "eighty", "80", "65532", "8000.5", "-8000", "\uff18\uff10\uff10\uff10"),
    "SITE_URL": ("", "example.com", "ftp://example.com", "http://", "https://example.com/blog", "https://example.com?q")
    + ("https://example.com#x", "https://ada@example.com", "https://example.com:99999", "http://[::1", "http://a b"),
    "SITE_LISTEN": ("", "localhost", "127.0.0.1:80", "1.2.3"),
    "SITE_PROXIES": ("10.0.0.1/8", "proxy", "10.0.0.0/8; 10.1.0.0/16"),
    "SITE_MONGO_URL": ("localhost", "http://localhost", "mongodb:/localhost"),
    "SITE_MONGO_DRIVER": ("", "Motor", "pymongo3"),
    "SITE_REDIS_URL": ("localhost:6379", "http://localhost"),
    "SITE_SEARCH_URL": ("localhost:9200", "es://localhost"),
    "SITE_SMTP_URL": ("localhost", "http://localhost"),
    "SITE_STAFF": ("ada", "ada@example.com bo@example.com", "ada@example.com,@", "@example.com"),
    "SITE_MODERATION": ("", "First", "some"),
    "SITE_LANGUAGE": ("", "english!", "en_GB", '"><script>'),
    "SITE_DEMO": ("maybe", "2"),
    "SITE_SECRET": ("a", "x" * 31, "x" * 40, "  " + "x" * 31 + "\n"),
}


class SocketsTest(unittest.TestCase):
    """Where the embedded servers listen."""

    def test_sockets_are_in_the_data_folder_if_their_paths_are_short_enough(self) -> None:
        self.assertEqual(socket_folder(Path("/srv/plog/var")), Path("/srv/plog/var/run"))

    def test_sockets_of_a_deep_data_folder_are_in_a_folder_with_a_short_path(self) -> None:
        deep = Path("/srv") / ("deep" * 30) / "var"
        self.assertLess(len(str(mongo_socket(deep))), SOCKET_LENGTH)
        self.assertEqual(socket_folder(deep), socket_folder(deep))
        self.assertNotEqual(socket_folder(deep), socket_folder(deep / "other"))

    def test_socket_urls_quote_special_characters(self) -> None:
        data = Path("/srv/my blog/var")
        self.assertEqual(mongo_url(data), "mongodb://%2Fsrv%2Fmy%20blog%2Fvar%2Frun%2Fmongo.sock")
        self.assertEqual(unquote(redis_url(data)), "unix:///srv/my blog/var/run/redis.sock")


class SettingsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="plog-settings-")
        self.addCleanup(folder.cleanup)
        self.data = Path(folder.name) / "data"

    def settings(self, **environ: str) -> Settings:
        return Settings.from_environment({"SITE_DATA": str(self.data), "PATH": "/bin", **environ})

    def test_every_setting_has_a_default(self) -> None:
        settings = self.settings()
        self.assertEqual((settings.port, settings.url, settings.listen), (8000, "http://127.0.0.1:8000", "127.0.0.1"))
        self.assertEqual((settings.moderation, settings.mongo_driver, settings.demo), ("first", "motor", True))
        self.assertTrue(settings.is_mongo_embedded and settings.is_redis_embedded and not settings.is_https)

    def test_the_default_url_contains_the_port(self) -> None:
        self.assertEqual(self.settings(SITE_PORT="9000").url, "http://127.0.0.1:9000")

    def test_a_malformed_value_is_refused_with_its_name(self) -> None:
        for name, values in MALFORMED.items():
            for value in values:
                with self.subTest(name, value=value), self.assertRaises(BadSetting) as caught:
                    self.settings(**{name: value})
                self.assertIn(name, str(caught.exception))

    def test_valid_values_are_accepted(self) -> None:
        settings = self.settings(
            SITE_URL="https://Example.com/",
            SITE_PROXIES="10.0.0.0/8, 2001:db8::/32",
            SITE_STAFF=" Ada@Example.com , bo@example.com,",
            SITE_LANGUAGE="pt-BR",
            SITE_DEMO="No",
            SITE_MONGO_URL="mongodb://ada:secret@db.example/plog",
            SITE_REDIS_URL="rediss://cache.example/1",
            SITE_TITLE="  Ada's \n notes ",
        )
        self.assertEqual((settings.url, settings.is_https), ("https://example.com", True))
        self.assertEqual([str(network) for network in settings.proxies], ["10.0.0.0/8", "2001:db8::/32"])
        self.assertEqual(settings.staff, ("ada@example.com", "bo@example.com"))
        self.assertEqual((settings.demo, settings.title), (False, "Ada's notes"))
        self.assertFalse(settings.is_mongo_embedded or settings.is_redis_embedded)

    def test_a_message_about_a_server_does_not_repeat_its_password(self) -> None:
        with self.assertRaises(BadSetting) as caught:
            self.settings(SITE_MONGO_URL="mongo://ada:hunter2@db.example")
        self.assertNotIn("hunter2", str(caught.exception))

    def test_unknown_names_are_refused_with_the_name(self) -> None:
        for name in ("SITE_PROT", "SITE_PROT_FILE", "SITE_", "SITE_SENDER"):
            with self.subTest(name), self.assertRaises(BadSetting) as caught:
                self.settings(**{name: "x"})
            self.assertIn(f"{name} is no setting", str(caught.exception))

    def test_variables_of_other_programs_are_ignored(self) -> None:
        self.assertEqual(self.settings(PORT="x", WEBSITE_PORT="y").port, 8000)

    def test_any_setting_may_come_from_a_file(self) -> None:
        self.data.mkdir()
        for name, content in (("SITE_SECRET", f"{SECRET}\n"), ("SITE_PORT", "9001\n")):
            (self.data / name).write_text(content)
        given = {f"{name}_FILE": str(self.data / name) for name in ("SITE_SECRET", "SITE_PORT")}
        settings = self.settings(**given)
        self.assertEqual((settings.secret, settings.port), (SECRET, 9001))

    def test_a_missing_or_binary_file_is_refused_with_the_name(self) -> None:
        self.data.mkdir()
        (self.data / "bytes").write_bytes(b"\xff\xfe")
        for path in (self.data / "nowhere", self.data, self.data / "bytes"):
            with self.subTest(path), self.assertRaises(BadSetting) as caught:
                self.settings(SITE_SECRET_FILE=str(path))
            self.assertIn("SITE_SECRET_FILE", str(caught.exception))

    def test_a_setting_given_both_as_value_and_as_file_is_refused(self) -> None:
        with self.assertRaises(BadSetting) as caught:
            self.settings(SITE_SECRET="x", SITE_SECRET_FILE="/x")
        self.assertIn("not both", str(caught.exception))

    def test_the_secret_is_generated_once_and_stored_privately(self) -> None:
        secret = self.settings().secret
        self.assertEqual(self.settings().secret, secret)
        self.assertGreaterEqual(len(secret), 64)
        self.assertEqual((self.data / "secret").stat().st_mode & 0o777, 0o600)
        self.assertEqual([path.name for path in self.data.iterdir()], ["secret"])

    def test_simultaneous_starts_generate_one_secret(self) -> None:
        with ThreadPoolExecutor(16) as starters:
            secrets = set(starters.map(lambda _: self.settings().secret, range(64)))
        self.assertEqual(len(secrets), 1)
        self.assertEqual([path.name for path in self.data.iterdir()], ["secret"])

    def test_an_empty_secret_is_refused(self) -> None:
        self.data.mkdir()
        (self.data / "secret").write_text("\n")
        with self.assertRaises(BadSetting) as caught:
            self.settings()
        self.assertIn("SITE_SECRET", str(caught.exception))

    def test_a_stored_secret_that_is_too_short_is_refused_with_its_file(self) -> None:
        self.data.mkdir()
        (self.data / "secret").write_text("a\n")
        with self.assertRaises(BadSetting) as caught:
            self.settings()
        self.assertIn(f"{self.data}/secret", str(caught.exception))

    def test_a_message_about_a_secret_does_not_repeat_it(self) -> None:
        with self.assertRaises(BadSetting) as caught:
            self.settings(SITE_SECRET="hunter2")
        self.assertNotIn("hunter2", str(caught.exception))

    def test_the_data_folder_is_created_private_and_an_existing_one_keeps_its_mode(self) -> None:
        self.settings()
        self.assertEqual(self.data.stat().st_mode & 0o777, 0o700)
        self.data.chmod(0o750)
        (self.data / "secret").unlink()
        self.settings()
        self.assertEqual(self.data.stat().st_mode & 0o777, 0o750)

    def test_a_secret_that_cannot_be_stored_is_refused_with_the_reason_and_leaves_no_file(self) -> None:
        with full(), self.assertRaises(BadSetting) as caught:
            self.settings()
        self.assertIn(f"{self.data}/secret: File too large", str(caught.exception))
        self.assertEqual(list(self.data.iterdir()), [])
        self.assertGreaterEqual(len(self.settings().secret), 64)

    def test_every_setting_name_begins_with_site(self) -> None:
        self.assertIn("SITE_FROM", NAMES)
        self.assertTrue(all(name.startswith("SITE_") for name in NAMES))


if __name__ == "__main__":
    unittest.main()
