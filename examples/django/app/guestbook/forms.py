from django import forms

from .models import Entry


class EntryForm(forms.ModelForm):
    class Meta:
        model = Entry
        fields = ["name", "message"]
        labels = {"name": "Your name", "message": "Your message"}
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name", "placeholder": "Ada"}),
            "message": forms.Textarea(attrs={"rows": 4, "placeholder": "Hello from …"}),
        }
