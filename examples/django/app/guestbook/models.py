from zlib import crc32

from django.db import models

COLOURS = 6


class Entry(models.Model):
    name = models.CharField(max_length=60)
    message = models.TextField(max_length=500)
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-created", "-id"]
        verbose_name_plural = "entries"

    def __str__(self):
        return f"{self.name}: {self.message[:40]}"

    @property
    def colour(self):
        """The number of the badge's colour: the same name has the same one, always."""
        return crc32(self.name.strip().lower().encode()) % COLOURS
