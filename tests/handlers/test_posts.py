"""The pages of posts."""

from datetime import timedelta

from tests.base import START, SiteTestCase


class PostsTest(SiteTestCase):
    def test_a_post_is_at_its_slug(self) -> None:
        self.post_by("hello")
        response = self.client.get("/plog/hello")
        self.assertEqual(response.code, 200)
        self.assertIn(b"The text of <em>hello</em>.", response.body)

    def test_home_renders_two_posts_and_names_where_the_rest_is(self) -> None:
        for n in range(12):
            self.post_by(f"post-{n}", published=START - timedelta(days=n))
        page = self.client.get("/").body.decode()
        self.assertIn("post-1", page)
        self.assertNotIn("post-2", page)
        self.assertIn("/rest/2/10/", page)
        rest = self.client.get("/rest/2/10/").body.decode()
        self.assertIn("post-9", rest)
        self.assertNotIn("post-10", rest)
        self.assertIn("post-11", self.client.get("/p2").body.decode())
        self.assertEqual(self.client.get("/p3").code, 404)
